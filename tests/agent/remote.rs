//! Remotes: one that serves git's smart HTTP protocol, and one that takes connections and never answers.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderName, Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// A server; dropped, it is gone.
pub struct Remote {
    pub addr: SocketAddr,
    task: JoinHandle<()>,
}

impl Remote {
    /// Serves the repositories below `root` on this port of 127.0.0.1.
    pub async fn serve(root: &Path, port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
        let addr = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(root.to_owned());
        Self { addr, task: tokio::spawn(async move { axum::serve(listener, app).await.unwrap() }) }
    }

    /// Takes every connection and says nothing.
    pub async fn that_hangs() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let task = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        Self { addr, task }
    }
}

impl Drop for Remote {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(root): State<PathBuf>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();
    let mut backend = Command::new("git");
    backend
        .arg("http-backend")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_COUNT", "1")
        .env("GIT_CONFIG_KEY_0", "safe.directory")
        .env("GIT_CONFIG_VALUE_0", "*")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .env("GIT_PROTOCOL", header("git-protocol"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    let mut child = backend.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = async move {
        // The backend may have heard enough.
        let _ = stdin.write_all(&body).await;
    };
    let (out, ()) = tokio::join!(child.wait_with_output(), feed);
    from_cgi(&out.unwrap().stdout)
}

fn from_cgi(out: &[u8]) -> Response<Body> {
    let end = out.windows(4).position(|window| window == b"\r\n\r\n").expect("http-backend writes headers");
    let mut response = Response::new(Body::from(out[end + 4..].to_vec()));
    for line in std::str::from_utf8(&out[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            *response.status_mut() = StatusCode::from_bytes(&value.as_bytes()[..3]).unwrap();
        } else {
            response.headers_mut().insert(HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
    }
    response
}
