//! A tiny web server around `git http-backend`, so that git's smart HTTP protocol is the real one.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, Response, StatusCode};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::task::JoinHandle;

/// What the server does with a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// Version 2 of the protocol, as the big hosts.
    Modern,
    /// Version 0, in which only the tips of branches and tags may be asked for.
    Old,
    /// This status, whatever is asked.
    Always(u16),
}

struct Site {
    root: PathBuf,
    manner: Manner,
    asked: AtomicUsize,
    sent: AtomicUsize,
}

/// The server; dropped, it is gone.
pub struct Server {
    addr: SocketAddr,
    site: Arc<Site>,
    task: JoinHandle<()>,
}

impl Server {
    /// Serves the repositories below `root`.
    pub async fn start(root: impl Into<PathBuf>, manner: Manner) -> Self {
        let site = Arc::new(Site { root: root.into(), manner, asked: AtomicUsize::new(0), sent: AtomicUsize::new(0) });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let app = axum::Router::new().fallback(answer).with_state(site.clone());
        let task = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Self { addr, site, task }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}/{path}", self.addr)
    }

    /// Bytes of all answers.
    pub fn sent(&self) -> usize {
        self.site.sent.load(Ordering::Relaxed)
    }

    pub fn requests(&self) -> usize {
        self.site.asked.load(Ordering::Relaxed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(site): State<Arc<Site>>, request: Request) -> Response<Body> {
    site.asked.fetch_add(1, Ordering::Relaxed);
    if let Manner::Always(status) = site.manner {
        let mut response = Response::new(Body::from("no"));
        *response.status_mut() = StatusCode::from_u16(status).unwrap();
        return response;
    }
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 24).await.unwrap();
    let header = |name: &str| parts.headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or("").to_owned();

    let mut backend = Command::new("git");
    super::repository::isolated(backend.as_std_mut());
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", &site.root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("REQUEST_METHOD", parts.method.as_str())
        .env("PATH_INFO", parts.uri.path())
        .env("QUERY_STRING", parts.uri.query().unwrap_or(""))
        .env("CONTENT_TYPE", header("content-type"))
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .kill_on_drop(true);
    if site.manner == Manner::Modern {
        backend.env("GIT_PROTOCOL", header("git-protocol"));
    }
    let mut child = backend.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let feed = async move {
        // The backend may have heard enough.
        let _ = stdin.write_all(&body).await;
    };
    let (out, ()) = tokio::join!(child.wait_with_output(), feed);
    let out = out.unwrap().stdout;
    site.sent.fetch_add(out.len(), Ordering::Relaxed);
    cgi(&out)
}

/// From CGI's answer to HTTP's.
fn cgi(out: &[u8]) -> Response<Body> {
    let end = out.windows(4).position(|w| w == b"\r\n\r\n").expect("http-backend writes headers");
    let mut response = Response::new(Body::from(out[end + 4..].to_vec()));
    let mut headers = HeaderMap::new();
    for line in std::str::from_utf8(&out[..end]).unwrap().lines() {
        let (name, value) = line.split_once(": ").unwrap();
        if name == "Status" {
            *response.status_mut() = StatusCode::from_bytes(&value.as_bytes()[..3]).unwrap();
        } else {
            headers.insert(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
    }
    *response.headers_mut() = headers;
    response
}
