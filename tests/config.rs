//! The configuration as its users meet it: files in layers, problems told in full, and documents that do not drift.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program: to panic is how it reports")]

#[path = "config/anything.rs"]
mod anything;
#[path = "config/documents.rs"]
mod documents;
#[path = "config/files.rs"]
mod files;
#[path = "config/layers.rs"]
mod layers;
#[path = "config/messages.rs"]
mod messages;
#[path = "config/rules.rs"]
mod rules;

use herdsman::config::{Config, Layer, LayerKind, Problems, merge};

/// The image's own file.
fn baked(text: &str) -> Layer {
    Layer { kind: LayerKind::Baked("/etc/herdsman/herdsman.toml".into()), text: text.to_owned() }
}

/// A drop-in of this name.
fn drop_in(name: &str, text: &str) -> Layer {
    Layer { kind: LayerKind::DropIn(format!("/etc/herdsman/conf.d/{name}").into()), text: text.to_owned() }
}

/// The app's own file.
fn app(text: &str) -> Layer {
    Layer { kind: LayerKind::App("/app/herdsman.toml".into()), text: text.to_owned() }
}

/// What one layer of user-data comes to.
fn user_data(text: &str) -> Result<Config, Problems> {
    merge(&[Layer::user_data(text)])
}

/// The problems of one layer of user-data, without the heading and the file's name.
fn told(text: &str) -> Vec<String> {
    match user_data(text) {
        Ok(config) => panic!("no problem in {text:?}: {config:?}"),
        Err(problems) => problems.iter().map(|one| one.to_string().replacen("user-data:", "", 1)).collect(),
    }
}
