//! Serves the control socket. It reads what is decided and passes on what is asked; it decides nothing.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use axum::Json;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tokio::net::UnixListener;
use tokio::sync::{mpsc, watch};

use super::api::{self, Refusal};
use super::status::status;
use crate::clock::Clock;
use crate::decide::event::Event;
use crate::facts::Facts;
use crate::recent::Recent;
use crate::seen::Seen;

/// Why the control socket could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Somebody answers there.
    #[error("another agent answers on {0}: stop it, or give this one its own `--run-dir` and `--state-dir`")]
    Taken(PathBuf),
    /// The system says no.
    #[error("the control socket {path} could not be opened")]
    Io {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What the routes need.
#[derive(Debug, Clone)]
pub struct Office {
    /// What is decided.
    pub seen: watch::Receiver<Seen>,
    /// What is known.
    pub facts: watch::Receiver<Facts>,
    /// To translate times.
    pub clock: Clock,
    /// Where wishes go.
    pub events: mpsc::Sender<Event>,
    /// The workers' last output, where it comes through the agent.
    pub recent: Recent,
}

/// Opens the socket: mode 0660 and group `herdsman` where that group exists and we may give it, else for the owner alone.
///
/// # Errors
/// When another agent answers there, or the system refuses.
pub fn bind(path: &Path) -> Result<UnixListener, SocketError> {
    let failed = |source| SocketError::Io { path: path.to_owned(), source };
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).map_err(failed)?;
    }
    if std::os::unix::net::UnixStream::connect(path).is_ok() {
        return Err(SocketError::Taken(path.to_owned()));
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    let group = nix::unistd::Group::from_name("herdsman").ok().flatten();
    let given = group.is_some_and(|group| nix::unistd::chown(path, None, Some(group.gid)).is_ok());
    fs::set_permissions(path, fs::Permissions::from_mode(if given { 0o660 } else { 0o600 })).map_err(failed)?;
    Ok(listener)
}

/// Serves until dropped.
pub async fn serve(listener: UnixListener, office: Office) {
    let routes = Router::new()
        .route("/v1/status", get(get_status))
        .route("/v1/drain", post(post_drain))
        .route("/v1/logs", get(get_logs))
        .fallback(unknown)
        .with_state(office);
    if let Err(error) = axum::serve(listener, routes).await {
        tracing::error!("the control socket is closed: {error}");
    }
}

async fn get_status(State(office): State<Office>) -> Json<api::Status> {
    let life = office.seen.borrow().life.clone();
    let facts = office.facts.borrow().clone();
    Json(status(&life, &facts, &office.clock))
}

async fn post_drain(State(office): State<Office>) -> Response {
    match office.events.send(Event::DrainAsked).await {
        Ok(()) => StatusCode::ACCEPTED.into_response(),
        Err(_) => {
            (StatusCode::SERVICE_UNAVAILABLE, Json(Refusal { error: "the agent is ending".to_owned() })).into_response()
        }
    }
}

/// The last lines of output that came through the agent, oldest first; empty where the workers write to the journal themselves.
async fn get_logs(State(office): State<Office>) -> Json<Vec<String>> {
    Json(office.recent.lines())
}

async fn unknown() -> Response {
    let error = format!(
        "herdsman {} does not know this request; is the command newer than the agent?",
        env!("CARGO_PKG_VERSION")
    );
    (StatusCode::NOT_FOUND, Json(Refusal { error })).into_response()
}
