//! Log lines for people.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::FormatTime;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Time, level, message. Our messages say everything themselves, fields are for machines; of other people's events the fields are shown too.
pub(super) struct Plain;

impl<S, N> FormatEvent<S, N> for Plain
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let level = event.metadata().level();
        let (paint, plain) = match (writer.has_ansi_escapes(), *level) {
            (true, Level::ERROR) => ("\u{1b}[31m", "\u{1b}[0m"),
            (true, Level::WARN) => ("\u{1b}[33m", "\u{1b}[0m"),
            _ => ("", ""),
        };
        Wall.format_time(&mut writer)?;
        write!(writer, " {paint}{level:>5}{plain} ")?;
        if event.metadata().target().starts_with("herdsman") {
            let mut message = Message(String::new());
            event.record(&mut message);
            writer.write_str(&message.0)?;
        } else {
            context.format_fields(writer.by_ref(), event)?;
        }
        writeln!(writer)
    }
}

/// Wall-clock time, to the millisecond, in UTC.
pub(super) struct Wall;

impl FormatTime for Wall {
    #[expect(clippy::disallowed_methods, reason = "a log line carries the wall clock's time")]
    fn format_time(&self, writer: &mut Writer<'_>) -> fmt::Result {
        write!(writer, "{}", humantime::format_rfc3339_millis(std::time::SystemTime::now()))
    }
}

/// Picks the message out of an event.
struct Message(String);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            // Writing into a string does not fail.
            let _ = write!(self.0, "{value:?}");
        }
    }
}
