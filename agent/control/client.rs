//! Asks a running agent over its control socket.

use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::StatusCode;

use super::api::{Refusal, Status, VERSION};

/// An agent that lives answers at once; one that does not in this time is stuck.
const PATIENCE: Duration = Duration::from_secs(5);

/// Why an agent could not be asked.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens there.
    #[error(
        "no agent is running here (nothing answers on {0}): start it with `systemctl start herdsman` or `herdsman run`"
    )]
    NotRunning(PathBuf),
    /// We may not open it.
    #[error("{0} may not be opened by this user: be root, or a member of the group `herdsman`")]
    Forbidden(PathBuf),
    /// It does not answer in time.
    #[error("the agent on {0} does not answer within {PATIENCE:?}: see `journalctl -u herdsman`")]
    Stuck(PathBuf),
    /// It says no.
    #[error("the agent refused: {0}")]
    Refused(String),
    /// It speaks another version.
    #[error(
        "the agent answers in version {theirs} of the control protocol, this command knows {VERSION}: use the agent's own `herdsman`"
    )]
    Version {
        /// The agent's.
        theirs: u32,
    },
    /// Something else went wrong on the way.
    #[error("the agent on {path} could not be asked")]
    Transport {
        /// The socket.
        path: PathBuf,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
}

/// A client of one agent.
#[derive(Debug, Clone)]
pub struct Client {
    path: PathBuf,
    http: reqwest::Client,
}

impl Client {
    /// For the agent whose socket is at `path`. Does not connect yet.
    ///
    /// # Errors
    /// When the HTTP client cannot be made.
    pub fn new(path: &Path) -> Result<Self, ClientError> {
        let http = reqwest::Client::builder().unix_socket(path).timeout(PATIENCE).no_proxy().build();
        let path = path.to_owned();
        match http {
            Ok(http) => Ok(Self { path, http }),
            Err(source) => Err(ClientError::Transport { path, source }),
        }
    }

    /// How things stand.
    ///
    /// # Errors
    /// When no agent answers, or in words this client does not know.
    pub async fn status(&self) -> Result<Status, ClientError> {
        let answer = self.good(self.http.get("http://agent/v1/status").send().await).await?;
        let value: serde_json::Value = answer.json().await.map_err(|source| self.lost(source))?;
        let theirs = value.get("version").and_then(serde_json::Value::as_u64).unwrap_or(0);
        serde_json::from_value(value).map_err(|_| ClientError::Version { theirs: u32::try_from(theirs).unwrap_or(0) })
    }

    /// Asks for a drain; returns as soon as it was taken.
    ///
    /// # Errors
    /// When no agent answers, or it is ending.
    pub async fn drain(&self) -> Result<(), ClientError> {
        self.good(self.http.post("http://agent/v1/drain").send().await).await.map(drop)
    }

    /// The last lines of output that came through the agent.
    ///
    /// # Errors
    /// When no agent answers.
    pub async fn logs(&self) -> Result<Vec<String>, ClientError> {
        let answer = self.good(self.http.get("http://agent/v1/logs").send().await).await?;
        answer.json().await.map_err(|source| self.lost(source))
    }

    async fn good(&self, answer: Result<reqwest::Response, reqwest::Error>) -> Result<reqwest::Response, ClientError> {
        let answer = answer.map_err(|source| self.lost(source))?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status();
        let said = answer.json::<Refusal>().await.map(|refusal| refusal.error);
        Err(ClientError::Refused(said.unwrap_or_else(|_| unexplained(status))))
    }

    fn lost(&self, source: reqwest::Error) -> ClientError {
        let path = self.path.clone();
        match io_kind(&source) {
            Some(std::io::ErrorKind::NotFound | std::io::ErrorKind::ConnectionRefused) => ClientError::NotRunning(path),
            Some(std::io::ErrorKind::PermissionDenied) => ClientError::Forbidden(path),
            _ if source.is_timeout() => ClientError::Stuck(path),
            _ => ClientError::Transport { path, source },
        }
    }
}

fn unexplained(status: StatusCode) -> String {
    format!("HTTP {status}")
}

fn io_kind(error: &(dyn std::error::Error + 'static)) -> Option<std::io::ErrorKind> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(io) = error.downcast_ref::<std::io::Error>() {
            return Some(io.kind());
        }
        next = error.source();
    }
    None
}
