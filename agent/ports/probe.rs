//! The health probe: one HTTP request that reaches exactly one worker of a shared port.
//!
//! Over IPv4 the probe's source address names the worker (see `decide::steering`). A worker that listens for IPv6 alone cannot be
//! named so, there being only one IPv6 loopback address: its probe goes to the port as anybody's would, to a worker that serves.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use hyper::StatusCode;
use nix::sys::socket::{setsockopt, sockopt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// No more of an answer is read.
const MOST_READ: usize = 16 * 1024;

/// How long the rest of an answer is waited for once its status is known: closing earlier would look like an error to the worker.
const REST: Duration = Duration::from_millis(250);

/// How a probe gets to its worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Route {
    /// Where it connects to.
    pub to: SocketAddr,
    /// The source address that the steering program knows; none where nothing can be steered.
    pub from: Option<Ipv4Addr>,
}

/// Why a worker did not pass.
#[derive(Debug, thiserror::Error)]
pub enum ProbeError {
    /// It has no listening socket.
    #[error("the worker does not listen on port {port}")]
    NotListening {
        /// The app port.
        port: u16,
    },
    /// The connection failed.
    #[error("{to}: the connection failed")]
    Connection {
        /// Where to.
        to: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It took too long.
    #[error("no answer to GET {path} within {} s", .within.as_secs_f32())]
    Timeout {
        /// What was asked for.
        path: String,
        /// The time it had.
        within: Duration,
    },
    /// It answered something else than HTTP.
    #[error("the answer to GET {path} is not HTTP/1: it begins with {begin:?}")]
    NotHttp {
        /// What was asked for.
        path: String,
        /// The first bytes.
        begin: String,
    },
    /// It answered, but not well.
    #[error("GET {path} answered {status}; expected 2xx or 3xx")]
    Status {
        /// What was asked for.
        path: String,
        /// What came.
        status: StatusCode,
    },
    /// The path cannot be sent.
    #[error("{path:?} is no path for a request: it has to begin with / and hold only visible ASCII")]
    Path {
        /// As configured.
        path: String,
    },
}

/// Asks for `path` over `route`; all of it has to happen `within` this time.
///
/// # Errors
/// Anything but a 2xx or 3xx answer.
pub async fn probe(route: Route, path: &str, within: Duration) -> Result<StatusCode, ProbeError> {
    let sendable = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
    if !sendable {
        return Err(ProbeError::Path { path: path.to_owned() });
    }
    let status = timeout(within, ask(route, path))
        .await
        .map_err(|_| ProbeError::Timeout { path: path.to_owned(), within })??;
    if status.is_success() || status.is_redirection() {
        Ok(status)
    } else {
        Err(ProbeError::Status { path: path.to_owned(), status })
    }
}

async fn ask(route: Route, path: &str) -> Result<StatusCode, ProbeError> {
    let failed = |source| ProbeError::Connection { to: route.to, source };
    let mut stream = connect(route).await.map_err(failed)?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{}\r\nUser-Agent: herdsman-probe/{}\r\nAccept: */*\r\nConnection: close\r\n\r\n",
        route.to.port(),
        env!("CARGO_PKG_VERSION"),
    );
    stream.write_all(request.as_bytes()).await.map_err(failed)?;
    let mut answer = Vec::new();
    let status = loop {
        match status_of(&answer) {
            Begin::Status(status) => break status,
            Begin::Incomplete if answer.len() < MOST_READ => {}
            Begin::Incomplete | Begin::NotHttp => return Err(not_http(path, &answer)),
        }
        if read_more(&mut stream, &mut answer).await.map_err(failed)? == 0 {
            return Err(not_http(path, &answer));
        }
    };
    let rest =
        async { while answer.len() < MOST_READ && matches!(read_more(&mut stream, &mut answer).await, Ok(1..)) {} };
    let _ = timeout(REST, rest).await;
    Ok(status)
}

/// Nothing is awaited before the connection request has left, so the place in the group that `route` names is still right.
async fn connect(route: Route) -> io::Result<TcpStream> {
    let Some(source) = route.from else {
        return TcpStream::connect(route.to).await;
    };
    let socket = TcpSocket::new_v4()?;
    // Without this each probe would take a port from all destinations.
    setsockopt(&socket, sockopt::IpBindAddressNoPort, &true)?;
    socket.bind(SocketAddr::new(source.into(), 0))?;
    socket.connect(route.to).await
}

async fn read_more(stream: &mut TcpStream, into: &mut Vec<u8>) -> io::Result<usize> {
    let mut part = [0; 2048];
    let length = stream.read(&mut part).await?;
    into.extend_from_slice(&part[..length]);
    Ok(length)
}

fn not_http(path: &str, answer: &[u8]) -> ProbeError {
    let begin = String::from_utf8_lossy(&answer[..answer.len().min(40)]).into_owned();
    ProbeError::NotHttp { path: path.to_owned(), begin }
}

#[derive(Debug, PartialEq, Eq)]
enum Begin {
    Status(StatusCode),
    Incomplete,
    NotHttp,
}

/// The status of the answer that begins so, interim answers (1xx) passed over.
fn status_of(mut answer: &[u8]) -> Begin {
    loop {
        let expected = b"HTTP/1.";
        let seen = answer.len().min(expected.len());
        if answer[..seen] != expected[..seen] {
            return Begin::NotHttp;
        }
        let Some(end) = answer.iter().position(|byte| *byte == b'\n') else {
            return Begin::Incomplete;
        };
        let code = answer[..end].split(|byte| byte.is_ascii_whitespace()).nth(1);
        let Some(status) = code.and_then(|code| StatusCode::from_bytes(code).ok()) else {
            return Begin::NotHttp;
        };
        if !status.is_informational() {
            return Begin::Status(status);
        }
        let Some(blank) = answer.windows(4).position(|part| part == b"\r\n\r\n") else {
            return Begin::Incomplete;
        };
        answer = &answer[blank + 4..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_read_past_interim_answers() {
        let ok = Begin::Status(StatusCode::OK);
        assert_eq!(status_of(b"HTTP/1.1 200 OK\r\n"), ok);
        assert_eq!(status_of(b"HTTP/1.0 200\r\n"), ok);
        assert_eq!(status_of(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\n"), ok);
        assert_eq!(status_of(b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n"), Begin::Incomplete);
        assert_eq!(status_of(b"HTTP/1.1 20"), Begin::Incomplete);
        assert_eq!(status_of(b""), Begin::Incomplete);
        assert_eq!(status_of(b"SSH-2.0-x\r\n"), Begin::NotHttp);
        assert_eq!(status_of(b"HTTP/1.1 what\r\n"), Begin::NotHttp);
        assert_eq!(status_of(b"HTTP/1.1\n"), Begin::NotHttp);
    }

    #[tokio::test]
    async fn a_path_that_would_forge_a_header_is_refused() {
        let route = Route { to: "127.0.0.1:1".parse().unwrap(), from: None };
        let refused = probe(route, "/ HTTP/1.1\r\nX: y", Duration::from_secs(5)).await;
        assert!(matches!(refused, Err(ProbeError::Path { .. })), "{refused:?}");
    }
}
