//! Spans of time: `"90s"`, `"5m"`, `"1h 30m"`.

use std::time::Duration;

use humantime::{format_duration, parse_duration};
use serde_json::{Value as Json, json};
use toml::de::DeValue;

use super::kind::{Kind, Wrong, quoted};

/// Nothing here takes longer: a lifecycle hook ends after 48 hours, and what would wait for weeks is a slip of the finger.
const LONGEST: Duration = Duration::from_secs(7 * 24 * 60 * 60);
const SHORTEST: Duration = Duration::from_millis(1);

pub(in crate::config) static SPAN: Kind<Duration> = Kind {
    words: "a time such as `\"90s\"`, `\"5m\"` or `\"1h 30m\"`; more than 0, at most 7 days",
    schema,
    read: |value| match span(value.get_ref())? {
        span if span < SHORTEST => Err(Wrong::value(value.get_ref(), "must be more than 0, such as \"30s\"")),
        span => Ok(span),
    },
    show,
};

pub(in crate::config) static SPAN_OR_ZERO: Kind<Duration> = Kind {
    words: "a time such as `\"0s\"`, `\"90s\"` or `\"5m\"`; at most 7 days",
    schema,
    read: |value| span(value.get_ref()),
    show,
};

fn schema() -> Json {
    json!({ "type": "string", "pattern": "^\\s*[0-9]" })
}

fn show(span: &Duration) -> String {
    quoted(&format_duration(*span).to_string())
}

fn span(value: &DeValue<'_>) -> Result<Duration, Vec<Wrong>> {
    let wrong = |message: String| Wrong::value(value, message);
    let text = match value {
        DeValue::String(text) => text.trim(),
        DeValue::Integer(number) if number.radix() == 10 => {
            let number = number.as_str();
            return Err(wrong(format!(
                "a time has a unit and quotes: \"{number}s\" (seconds) or \"{number}m\" (minutes)"
            )));
        }
        _ => {
            return Err(wrong("a time is written in quotes, such as \"90s\", \"5m\" or \"1h 30m\"".to_owned()));
        }
    };
    match parse_duration(text) {
        Ok(span) if span <= LONGEST => Ok(span),
        Ok(_) if text.contains('M') => Err(wrong("is longer than 7 days: `M` is months, `m` is minutes".to_owned())),
        Ok(_) => Err(wrong("is longer than 7 days, the longest time there is here".to_owned())),
        // Only numbers: humantime takes a bare 0, and says of others that the unit is missing.
        Err(_) if text.parse::<u64>().is_ok() => {
            Err(wrong(format!("a time has a unit: \"{text}s\" (seconds) or \"{text}m\" (minutes)")))
        }
        Err(_) => Err(wrong("is no time; write one such as \"90s\", \"5m\" or \"1h 30m\"".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::testing::read;
    use super::*;

    #[test]
    fn times_are_numbers_with_units() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("1h 30m", 5400), ("7d", 604_800), (" 2 min ", 120)] {
            assert_eq!(read(&SPAN, &quoted(text)), Ok(Duration::from_secs(seconds)), "{text}");
        }
        assert_eq!(read(&SPAN, "\"250ms\""), Ok(Duration::from_millis(250)));
        assert_eq!((SPAN.show)(&Duration::from_secs(300)), "\"5m\"");
    }

    #[test]
    fn nothing_at_all_is_a_time_only_where_it_makes_sense() {
        assert_eq!(read(&SPAN_OR_ZERO, "\"0s\""), Ok(Duration::ZERO));
        for text in ["\"0s\"", "\"0h 0m\"", "\"1ns\""] {
            assert!(read(&SPAN, text).unwrap_err().ends_with("must be more than 0, such as \"30s\""), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_is_told_how_to_become_one() {
        for (text, message) in [
            ("30", "= 30: a time has a unit and quotes: \"30s\" (seconds) or \"30m\" (minutes)"),
            ("\"30\"", "= \"30\": a time has a unit: \"30s\" (seconds) or \"30m\" (minutes)"),
            ("\"5M\"", "= \"5M\": is longer than 7 days: `M` is months, `m` is minutes"),
            ("\"8d\"", "= \"8d\": is longer than 7 days, the longest time there is here"),
            ("\"soon\"", "= \"soon\": is no time; write one such as \"90s\", \"5m\" or \"1h 30m\""),
            ("\"-5m\"", "= \"-5m\": is no time; write one such as \"90s\", \"5m\" or \"1h 30m\""),
            ("\"\"", "= \"\": is no time; write one such as \"90s\", \"5m\" or \"1h 30m\""),
            ("true", "= true: a time is written in quotes, such as \"90s\", \"5m\" or \"1h 30m\""),
        ] {
            assert_eq!(read(&SPAN, text).unwrap_err(), message);
        }
        assert!(read(&SPAN, "\"99999999999999999999999s\"").is_err());
        assert!(read(&SPAN, "\"18446744073709551615y\"").is_err());
    }
}
