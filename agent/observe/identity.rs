//! Who this machine is and what its user-data says: asked of the metadata service until it answers, however long that takes.

use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tracing::{info, warn};

use crate::cloud::dmi;
use crate::cloud::imds::{Imds, ImdsError};
use crate::config::{self, Cloud, Layer, user_data_is_ours};
use crate::configured::Configured;
use crate::decide::event::{Event, Identified, UserData};
use crate::facts::Facts;
use crate::words::chain;

/// The metadata service is given so long before the agent goes on without it (and asks on). It is on the machine's own host and answers
/// within milliseconds or is broken; user-data that comes later still starts the release over, as long as no worker runs.
const AT_FIRST: Duration = Duration::from_secs(10);
/// Each further round.
const LATER: Duration = Duration::from_secs(60);
/// Between two rounds, so that an answer that comes at once, such as "forbidden", is not asked for in a tight loop.
const PAUSE: Duration = Duration::from_secs(5);

/// Whether there is a metadata service to ask. `auto` never finds out by waiting: the firmware says so, or an endpoint is configured.
#[must_use]
pub fn in_cloud(cloud: Cloud) -> bool {
    match cloud {
        Cloud::Aws => true,
        Cloud::None => false,
        Cloud::Auto => std::env::var_os("AWS_EC2_METADATA_SERVICE_ENDPOINT").is_some() || dmi::is_ec2(Path::new("/")),
    }
}

/// Nothing to ask: the machine's own configuration is all there is.
pub async fn without_cloud(configured: &watch::Sender<Configured>, events: &mpsc::Sender<Event>) {
    let settings = configured.borrow().settings();
    // The driver's end of the channel is closed only when everything is.
    let _ =
        events.send(Event::Identified(Identified { in_cloud: false, settings, user_data: UserData::NotOurs })).await;
}

/// Asks until there is an answer, publishes it, and ends.
pub async fn identify(
    imds: Rc<Imds>,
    configured: watch::Sender<Configured>,
    facts: watch::Sender<Facts>,
    events: mpsc::Sender<Event>,
) {
    let mut within = AT_FIRST;
    let (identity, user_data) = loop {
        match ask(&imds, Instant::now() + within).await {
            Ok(answer) => break answer,
            Err(error) => {
                let why = format!("the instance's metadata cannot be read: {}", chain(&error));
                warn!("{why}; asking on");
                if events.send(Event::IdentityDelayed { why }).await.is_err() {
                    return;
                }
            }
        }
        within = LATER;
        tokio::time::sleep(PAUSE.mul_f64(0.75 + 0.5 * fastrand::f64())).await;
    };
    info!(
        event = "identified",
        instance = %identity.instance_id,
        r#type = %identity.instance_type,
        zone = %identity.zone,
        image = %identity.image_id,
        "this is {} ({}) in {}", identity.instance_id, identity.instance_type, identity.zone
    );
    facts.send_modify(|facts| facts.identity = Some(identity));
    let user_data = user_data.map_or(UserData::NotOurs, |bytes| take_user_data(&bytes, &configured));
    let settings = configured.borrow().settings();
    // As above.
    let _ = events.send(Event::Identified(Identified { in_cloud: true, settings, user_data })).await;
}

async fn ask(imds: &Imds, deadline: Instant) -> Result<(crate::cloud::imds::Identity, Option<Vec<u8>>), ImdsError> {
    let identity = imds.identity(deadline).await?;
    let user_data = imds.user_data(deadline).await?;
    Ok((identity, user_data))
}

/// User-data that is a configuration of ours becomes a layer; a bad one is refused as a whole, so that the image's own configuration runs.
fn take_user_data(bytes: &[u8], configured: &watch::Sender<Configured>) -> UserData {
    match user_data_is_ours(bytes) {
        config::UserData::Config(text) => {
            let more = configured.borrow().with(Some(Layer::user_data(text)));
            match more {
                Ok(more) => {
                    info!("the user-data is a configuration, and taken");
                    configured.send_replace(more);
                    UserData::Taken
                }
                Err(problems) => {
                    let why = format!("the user-data is not taken: {problems}");
                    warn!("going on without it: {why}");
                    UserData::Refused(why)
                }
            }
        }
        config::UserData::NotOurs(kind) => {
            info!("the user-data is not for herdsman: {kind}");
            UserData::NotOurs
        }
    }
}
