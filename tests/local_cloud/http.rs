//! A small HTTP server whose handlers may also give no answer at all: the connection is then closed.

use std::future::Future;
use std::io;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use hyper::body::Incoming;
use hyper::header::CONTENT_TYPE;
use hyper::service::service_fn;
use hyper::{HeaderMap, Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::task::JoinSet;

/// More than any request here has.
const MOST_BYTES: usize = 1024 * 1024;

/// A request, read whole.
#[derive(Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Ask {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub content_type: &'static str,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn new(status: u16, content_type: &'static str, body: impl Into<Vec<u8>>) -> Self {
        let status = StatusCode::from_u16(status).expect("the statuses here are real ones");
        Self { status, content_type, headers: Vec::new(), body: body.into() }
    }

    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::new(status, "text/plain", body)
    }

    pub fn json(status: u16, value: &serde_json::Value) -> Self {
        Self::new(status, "application/json", format!("{value}\n"))
    }

    pub fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    fn into_response(self) -> Response<Body> {
        let mut response = Response::builder().status(self.status).header(CONTENT_TYPE, self.content_type);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        response.body(Body::from(self.body)).expect("the headers here are plain text")
    }
}

/// A port of this machine that is taken but refuses connections, until it listens.
pub fn reserve(port: u16) -> io::Result<TcpSocket> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket)
}

/// Serves until it is dropped, connections included.
pub async fn serve<H, F>(listener: TcpListener, handler: H)
where
    H: Fn(Ask) -> F + Send + Sync + 'static,
    F: Future<Output = Option<Reply>> + Send + 'static,
{
    let handler = Arc::new(handler);
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => {
                let Ok((stream, _)) = accepted else { continue };
                let handler = Arc::clone(&handler);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(request, Arc::clone(&handler)));
                    // An error here is a client that went away, or an answer that was not to be given.
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn answer<H, F>(request: Request<Incoming>, handler: Arc<H>) -> io::Result<Response<Body>>
where
    H: Fn(Ask) -> F,
    F: Future<Output = Option<Reply>>,
{
    let (head, body) = request.into_parts();
    let body = axum::body::to_bytes(Body::new(body), MOST_BYTES).await.map_err(io::Error::other)?;
    let ask = Ask {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    handler(ask).await.map(Reply::into_response).ok_or_else(|| io::Error::other("no answer, on purpose"))
}
