//! `GET /health` for the load balancer: bound before anything slow starts, answers from memory, and no client can hold it.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use axum::extract::State;
use axum::http::{Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use serde::Serialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::watch;
use tokio::task::{AbortHandle, JoinSet};

use crate::clock::Clock;
use crate::decide::health::health;
use crate::seen::Seen;

/// So many clients at once; one more, and the oldest is dropped. Slow clients thus never keep a new one out.
const CLIENTS: usize = 128;
/// A request's head must have come by then, and the whole exchange be over by the second.
const HEAD_WITHIN: Duration = Duration::from_secs(5);
const ALL_WITHIN: Duration = Duration::from_secs(10);
/// A reason is told to whoever can reach the port: its first line, so long at most.
const REASON_CHARS: usize = 300;

/// The body of `/health`.
#[derive(Debug, Serialize)]
struct Body {
    status: &'static str,
    phase: &'static str,
    release: Option<String>,
    workers: Counts,
    reason: Option<String>,
    uptime_s: u64,
}

#[derive(Debug, Serialize)]
struct Counts {
    ready: usize,
    wanted: u16,
}

/// Takes the address.
///
/// # Errors
/// When the system refuses, as it does when another program has the port.
pub fn bind(listen: SocketAddr) -> io::Result<TcpListener> {
    let socket = if listen.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_reuseaddr(true)?;
    socket.bind(listen)?;
    socket.listen(1024)
}

/// Serves until dropped.
pub async fn serve(listener: &TcpListener, seen: watch::Receiver<Seen>, clock: Clock) {
    let routes = Router::new()
        .route("/health", get(get_health).fallback(wrong_method))
        .fallback(|| async { (StatusCode::NOT_FOUND, "only /health is here\n") })
        .with_state((seen, clock));
    let mut clients = JoinSet::new();
    let mut order: VecDeque<AbortHandle> = VecDeque::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    order.retain(|client| !client.is_finished());
                    if order.len() >= CLIENTS && let Some(oldest) = order.pop_front() {
                        oldest.abort();
                    }
                    order.push_back(clients.spawn(exchange(stream, routes.clone())));
                }
                Err(error) => {
                    // Out of file descriptors, most likely: let some end first.
                    tracing::warn!("/health could not take a connection: {error}");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            },
            Some(_) = clients.join_next() => {}
        }
    }
}

async fn exchange(stream: TcpStream, routes: Router) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_WITHIN)
        .keep_alive(false)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(routes));
    // A client that goes away or dawdles is its own loss.
    let _ = tokio::time::timeout(ALL_WITHIN, connection).await;
}

async fn get_health(State((seen, clock)): State<(watch::Receiver<Seen>, Clock)>) -> Response {
    let life = seen.borrow().life.clone();
    let answer = health(&life);
    let body = Body {
        status: answer.status,
        phase: life.phase().word(),
        release: life.release().map(ToString::to_string),
        workers: Counts { ready: life.workers().ready(), wanted: life.wanted() },
        reason: life
            .reason()
            .map(|reason| reason.lines().next().unwrap_or_default().chars().take(REASON_CHARS).collect()),
        uptime_s: clock.uptime().0.as_secs(),
    };
    let code = if answer.serving { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, [(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}

async fn wrong_method(method: Method) -> Response {
    let told = format!("{method} is not for /health: GET and HEAD are\n");
    (StatusCode::METHOD_NOT_ALLOWED, [(header::ALLOW, "GET, HEAD")], told).into_response()
}
