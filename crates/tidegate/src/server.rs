//! The accept loop: connections in, requests to the router, an orderly end.

mod activity;
mod places;

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, Request, Response, StatusCode};
use futures::FutureExt as _;
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tidegate_api::{Cutoff, Encrypted, Peer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval_at, sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use activity::{Activity, InProgress, carrying};
use places::{Admitted, Place, Places};

/// Time for a complete request head: from connecting, TLS included, and on idle connections from request to request.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);
/// A connection without any request for so long, and up to twice as long, is closed. HTTP/1.1 has the shorter limit above.
const REST_TIMEOUT: Duration = Duration::from_secs(5 * 60);
/// Time for requests in progress when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Time until the next attempt when the system has no more room for connections.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);

const HTTP1_BUFFER: usize = 128 * 1024;
const HTTP2_MAX_HEAD: u32 = 64 * 1024;
const HTTP2_MAX_STREAMS: u32 = 256;
/// What a stream may hold for a client that does not read.
const HTTP2_SEND_BUFFER: usize = 64 * 1024;
const HTTP2_PING_EVERY: Duration = Duration::from_secs(30);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(20);

const INTERNAL_ERROR: &str = r#"{"code":"internal error","message":"internal error, see the server's log"}"#;

/// Everything that connections share.
struct Shared {
    router: Router,
    tls: Option<TlsAcceptor>,
    http: Builder<Streams>,
    places: Arc<Places>,
    rest: Duration,
    stop: CancellationToken,
}

/// Serves until `stop` is cancelled and the connections have ended, at most [`DRAIN_TIMEOUT`] later. At most
/// `connections` are open at a time, half of them of one client; more wait in the system's queue.
pub(crate) async fn serve(
    listeners: Vec<TcpListener>,
    router: Router,
    tls: Option<TlsAcceptor>,
    connections: usize,
    stop: CancellationToken,
) {
    let (http, places) = (http(), Places::new(connections));
    run(listeners, Shared { router, tls, http, places, rest: REST_TIMEOUT, stop }).await;
}

async fn run(listeners: Vec<TcpListener>, shared: Shared) {
    let shared = Arc::new(shared);
    let mut loops = JoinSet::new();
    for listener in listeners {
        loops.spawn(accept_loop(listener, shared.clone()));
    }
    while loops.join_next().await.is_some() {}
}

/// HTTP/1.1, and HTTP/2 for clients that begin with its preface.
fn http() -> Builder<Streams> {
    let mut builder = Builder::new(Streams);
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(HTTP1_BUFFER);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_MAX_STREAMS)
        .max_header_list_size(HTTP2_MAX_HEAD)
        .max_send_buf_size(HTTP2_SEND_BUFFER)
        .keep_alive_interval(HTTP2_PING_EVERY)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}

tokio::task_local! {
    /// Cuts off the HTTP/2 stream that the current task serves.
    static STREAM: Cutoff;
}

/// Runs each HTTP/2 stream as a task that can be cut off: dropping it resets the stream and discards what has not been
/// sent, whether or not the client leaves any window. The connection, which other tokens may share, lives on.
#[derive(Clone)]
struct Streams;

impl<F> Executor<F> for Streams
where
    F: Future<Output = ()> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let cutoff = Cutoff::default();
        tokio::spawn(STREAM.scope(cutoff.clone(), async move {
            tokio::select! {
                biased;
                () = cutoff.requested() => tracing::debug!("an HTTP/2 stream is cut off"),
                () = stream => {}
            }
        }));
    }
}

async fn accept_loop(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            () = shared.stop.cancelled() => break,
            Some(_) = connections.join_next() => {}
            accepted = accept(&listener, &shared.places) => {
                connections.spawn(serve_connection(accepted, shared.clone()));
            }
        }
    }
    drop(listener);
    if timeout(DRAIN_TIMEOUT, async { while connections.join_next().await.is_some() {} }).await.is_err() {
        tracing::warn!(connections = connections.len(), "some requests did not finish in time and are cut off");
        connections.shutdown().await;
    }
}

struct Accepted {
    stream: TcpStream,
    peer: SocketAddr,
    /// Both are given back when the connection ends.
    _place: (Place, Admitted),
}

/// The next connection. Never gives up: a server that lacks file descriptors for a moment must go on.
async fn accept(listener: &TcpListener, places: &Arc<Places>) -> Accepted {
    let Some(place) = places.free().await else { return pending().await };
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => match places.admit(peer.ip()) {
                Some(admitted) => {
                    return Accepted { stream, peer: canonical(peer), _place: (place, admitted) };
                }
                None => tracing::debug!(%peer, "half of all connections are of this client: no more are taken"),
            },
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => {
                tracing::warn!(%error, "cannot accept connections for the moment");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
    )
}

/// An IPv4 peer on an IPv6 socket as the IPv4 address that it is.
fn canonical(peer: SocketAddr) -> SocketAddr {
    SocketAddr::new(peer.ip().to_canonical(), peer.port())
}

async fn serve_connection(accepted: Accepted, shared: Arc<Shared>) {
    let Accepted { stream, peer, _place } = accepted;
    tracing::trace!(%peer, "a connection begins");
    // Fails only on a connection that is gone already.
    let _ = stream.set_nodelay(true);
    let Some(tls) = &shared.tls else { return serve_http(stream, peer, &shared).await };
    tokio::select! {
        () = shared.stop.cancelled() => {}
        shaken = timeout(HEAD_TIMEOUT, tls.accept(stream)) => match shaken {
            Ok(Ok(stream)) => serve_http(stream, peer, &shared).await,
            Ok(Err(error)) => tracing::debug!(%peer, %error, "a TLS handshake failed"),
            Err(_) => tracing::debug!(%peer, "a TLS handshake took too long"),
        },
    }
}

async fn serve_http(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, peer: SocketAddr, shared: &Shared) {
    let activity = Activity::default();
    let cutoff = Cutoff::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        request.extensions_mut().insert(Peer(peer));
        if shared.tls.is_some() {
            request.extensions_mut().insert(Encrypted);
        }
        answer(shared.router.clone(), request, peer, cutoff.clone(), activity.begin())
    });
    let mut connection = pin!(shared.http.serve_connection(TokioIo::new(stream), service));
    let mut stop = pin!(shared.stop.cancelled());
    // The header timeout of HTTP/1.1 begins only when the version is known, and HTTP/2 has none.
    let mut first_head = pin!(sleep(HEAD_TIMEOUT));
    let mut rest = interval_at(Instant::now() + shared.rest, shared.rest);
    let (mut stopping, mut first_head_due, mut leaving) = (false, false, false);
    loop {
        tokio::select! {
            ended = &mut connection => {
                if let Err(error) = ended {
                    tracing::debug!(%peer, error, "a connection ended early");
                }
                return;
            }
            () = cutoff.requested() => {
                tracing::debug!(%peer, "a connection is cut off");
                return;
            }
            () = &mut stop, if !stopping => {
                stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            () = &mut first_head, if !first_head_due => {
                first_head_due = true;
                if !activity.is_used() {
                    tracing::debug!(%peer, "a connection brought no request in time");
                    return;
                }
            }
            _ = rest.tick() => {
                if !activity.has_rested() {
                    continue;
                }
                tracing::debug!(%peer, "a connection has brought no request for long");
                // A client that was asked to leave and stays is not asked again.
                if leaving {
                    return;
                }
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

/// The router's answer; 500 if it panics, so that other requests of the connection go on.
async fn answer(
    mut router: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    connection: Cutoff,
    in_progress: InProgress,
) -> Result<Response<Body>, Infallible> {
    let cutoff = STREAM.try_with(Cutoff::clone).unwrap_or(connection);
    request.extensions_mut().insert(cutoff);
    let method = request.method().clone();
    let answered = AssertUnwindSafe(async { router.call(request).await }).catch_unwind().await;
    let response = match answered {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_payload) => internal_error(),
    };
    // Paths and query strings can hold tokens.
    tracing::debug!(%peer, %method, status = response.status().as_u16(), "a request is answered");
    Ok(response.map(|body| carrying(body, in_progress)))
}

fn internal_error() -> Response<Body> {
    let mut response = Response::new(Body::from(INTERNAL_ERROR));
    *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

#[cfg(test)]
mod tests;
