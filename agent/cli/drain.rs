//! `herdsman drain`: out of service by hand, and nothing is cut off.

use super::exit;
use super::follow::{Until, follow};
use super::screen::say;
use crate::control::client::Client;
use crate::paths::Dirs;

/// Arguments of `drain`.
#[derive(Debug, clap::Args)]
pub(super) struct DrainArgs {
    /// Return at once instead of following the drain to its end
    #[arg(long)]
    no_wait: bool,
}

/// Asks for the drain and follows it.
pub(super) async fn drain(args: DrainArgs, dirs: &Dirs) -> anyhow::Result<u8> {
    let client = Client::new(&dirs.socket())?;
    client.drain().await?;
    if args.no_wait {
        say("the drain has begun; `herdsman status` shows how it goes");
        return Ok(exit::OK);
    }
    follow(&client, Until::Drained).await
}
