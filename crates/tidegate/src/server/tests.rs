use axum::Extension;
use axum::body::Bytes;
use axum::routing::get;
use futures::stream;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;

use super::*;

const MANY: usize = 100;

struct Running {
    address: SocketAddr,
    stop: CancellationToken,
    task: JoinHandle<()>,
}

async fn start(router: Router, connections: usize) -> Running {
    start_with(router, connections, REST_TIMEOUT).await
}

async fn start_with(router: Router, connections: usize, rest: Duration) -> Running {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (places, stop) = (Places::new(connections), CancellationToken::new());
    let shared = Shared { router, tls: None, http: http(), places, rest, stop: stop.clone() };
    Running { address, stop, task: tokio::spawn(run(vec![listener], shared)) }
}

async fn connect(running: &Running) -> TcpStream {
    TcpStream::connect(running.address).await.unwrap()
}

/// Sends a request and reads the head and body of its answer; the connection stays open.
async fn call(stream: &mut TcpStream, path: &str) -> String {
    stream.write_all(format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n").as_bytes()).await.unwrap();
    let mut text = String::new();
    let mut buffer = [0; 4096];
    loop {
        let length = stream.read(&mut buffer).await.unwrap();
        assert_ne!(length, 0, "the connection ended after {text:?}");
        text.push_str(std::str::from_utf8(&buffer[..length]).unwrap());
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        if body.len() == length.parse::<usize>().unwrap() {
            return text;
        }
    }
}

async fn assert_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"");
}

#[tokio::test]
async fn requests_carry_their_peer() {
    let router = Router::new().route("/", get(|Extension(peer): Extension<Peer>| async move { peer.0.to_string() }));
    let running = start(router, MANY).await;
    let mut stream = connect(&running).await;
    let answer = call(&mut stream, "/").await;
    assert!(answer.ends_with(&stream.local_addr().unwrap().to_string()), "{answer}");
}

#[test]
fn an_ipv4_peer_on_an_ipv6_socket_is_an_ipv4_peer() {
    let peer = canonical("[::ffff:192.0.2.7]:80".parse().unwrap());
    assert_eq!(peer, "192.0.2.7:80".parse().unwrap());
    let peer = "[2001:db8::1]:80".parse().unwrap();
    assert_eq!(canonical(peer), peer);
}

#[tokio::test]
async fn a_panic_is_answered_with_500_and_ends_nothing_else() {
    async fn panics() -> &'static str {
        panic!("secret")
    }
    let router = Router::new().route("/panic", get(panics)).route("/", get(|| async { "fine" }));
    let running = start(router, MANY).await;
    let mut stream = connect(&running).await;
    let answer = call(&mut stream, "/panic").await;
    assert!(answer.starts_with("HTTP/1.1 500 ") && !answer.contains("secret"), "{answer}");
    assert!(call(&mut stream, "/").await.ends_with("fine"));
}

#[tokio::test]
async fn stopping_ends_idle_connections_and_lets_requests_finish() {
    let entered = Arc::new(Notify::new());
    let finish = Arc::new(Notify::new());
    let slow = {
        let (entered, finish) = (entered.clone(), finish.clone());
        move || async move {
            entered.notify_one();
            finish.notified().await;
            "done"
        }
    };
    let router = Router::new().route("/slow", get(slow)).route("/", get(|| async { "fine" }));
    let running = start(router, MANY).await;
    let (mut idle, mut silent) = (connect(&running).await, connect(&running).await);
    call(&mut idle, "/").await;
    let mut busy = connect(&running).await;
    let request = tokio::spawn(async move {
        let answer = call(&mut busy, "/slow").await;
        assert_closed(&mut busy).await;
        answer
    });
    entered.notified().await;

    running.stop.cancel();
    assert_closed(&mut idle).await;
    assert_closed(&mut silent).await;
    assert!(!running.task.is_finished());
    finish.notify_one();
    assert!(request.await.unwrap().ends_with("done"));
    running.task.await.unwrap();
    assert!(TcpStream::connect(running.address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn stopping_does_not_wait_for_ever() {
    let entered = Arc::new(Notify::new());
    let stuck = {
        let entered = entered.clone();
        move || async move {
            entered.notify_one();
            pending::<&str>().await
        }
    };
    let running = start(Router::new().route("/", get(stuck)), MANY).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    entered.notified().await;
    running.stop.cancel();
    running.task.await.unwrap();
    assert_closed(&mut stream).await;
}

#[tokio::test(start_paused = true)]
async fn connections_without_a_request_are_ended() {
    let running = start(Router::new(), MANY).await;
    for start in [&b""[..], b"G", b"GET / HTTP/1.1\r\nhost:", b"PRI * HTTP/2.0\r\n"] {
        let mut stream = connect(&running).await;
        stream.write_all(start).await.unwrap();
        let mut rest = Vec::new();
        // An end with unread bytes is a reset.
        let _ = stream.read_to_end(&mut rest).await;
        assert!(!rest.starts_with(b"HTTP/1.1 2"), "{start:?}");
    }
    assert!(!running.task.is_finished());
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_their_turn() {
    let running = start(Router::new().route("/", get(|| async { "fine" })), 1).await;
    let mut first = connect(&running).await;
    call(&mut first, "/").await;
    let mut second = connect(&running).await;
    let waiting = tokio::spawn(async move { call(&mut second, "/").await });
    for _ in 0..3 {
        call(&mut first, "/").await;
        assert!(!waiting.is_finished());
    }
    drop(first);
    assert!(waiting.await.unwrap().ends_with("fine"));
}

/// Answers that never end by themselves, each with its cutoff.
fn endless() -> (Router, mpsc::UnboundedReceiver<Cutoff>) {
    let (sender, cutoffs) = mpsc::unbounded_channel();
    let handler = |Extension(cutoff): Extension<Cutoff>| async move {
        sender.send(cutoff).unwrap();
        Body::from_stream(stream::repeat_with(|| Ok::<_, Infallible>(Bytes::from_static(&[b'x'; 65_536]))))
    };
    (Router::new().route("/endless", get(handler)).route("/", get(|| async { "fine" })), cutoffs)
}

#[tokio::test]
async fn a_connection_whose_client_does_not_read_is_cut_off() {
    let (router, mut cutoffs) = endless();
    let running = start(router, MANY).await;
    let mut stream = connect(&running).await;
    stream.write_all(b"GET /endless HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    cutoffs.recv().await.unwrap().request();
    let mut received = Vec::new();
    // Whether the end shows as a reset is up to the system.
    let _ = stream.read_to_end(&mut received).await;
    assert!(!received.ends_with(b"\r\n0\r\n\r\n"));
}

#[tokio::test]
async fn a_stream_without_window_is_reset_and_its_connection_lives() {
    let (router, mut cutoffs) = endless();
    let running = start(router, MANY).await;
    let (client, connection) =
        h2::client::Builder::new().initial_window_size(0).handshake::<_, Bytes>(connect(&running).await).await.unwrap();
    tokio::spawn(connection);
    let mut client = client.ready().await.unwrap();
    let mut get = |path: &str| {
        let request = Request::get(format!("http://{}{path}", running.address)).body(()).unwrap();
        client.send_request(request, true).unwrap().0
    };
    let mut doomed = get("/endless").await.unwrap().into_body();
    let cutoff = cutoffs.recv().await.unwrap();
    let mut neighbour = get("/endless").await.unwrap().into_body();
    cutoff.request();
    assert_eq!(doomed.data().await.unwrap().unwrap_err().reason(), Some(h2::Reason::CANCEL));
    assert_eq!(get("/").await.unwrap().status(), 200);
    assert!(neighbour.data().now_or_never().is_none(), "the neighbour is still open");
}

/// An HTTP/2 client, and the end of its connection.
async fn http2(running: &Running) -> (h2::client::SendRequest<Bytes>, JoinHandle<Result<(), h2::Error>>) {
    let (client, connection) = h2::client::handshake(connect(running).await).await.unwrap();
    let ended = tokio::spawn(connection);
    (client.ready().await.unwrap(), ended)
}

fn request(client: &mut h2::client::SendRequest<Bytes>, running: &Running, path: &str) -> h2::client::ResponseFuture {
    let request = Request::get(format!("http://{}{path}", running.address)).body(()).unwrap();
    client.send_request(request, true).unwrap().0
}

const REST: Duration = Duration::from_millis(20);

#[tokio::test]
async fn an_http2_connection_without_requests_is_closed_in_order() {
    let running = start_with(Router::new().route("/", get(|| async { "fine" })), MANY, REST).await;
    let (mut client, ended) = http2(&running).await;
    assert_eq!(request(&mut client, &running, "/").await.unwrap().status(), 200);
    ended.await.unwrap().unwrap();
    assert!(client.ready().await.is_err(), "it takes no more requests");
    assert!(!running.task.is_finished());
}

#[tokio::test]
async fn a_client_that_stays_though_asked_to_leave_is_cut_off() {
    let running = start_with(Router::new().route("/", get(|| async { "fine" })), MANY, REST).await;
    let mut stream = connect(&running).await;
    // Preface, empty SETTINGS, and a request for "/" that ends its stream; pings are never answered.
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    stream.write_all(b"\0\0\x06\x01\x05\0\0\0\x01\x82\x84\x86\x41\x01x").await.unwrap();
    let mut received = Vec::new();
    // Whether the end shows as a reset is up to the system.
    let _ = stream.read_to_end(&mut received).await;
    assert!(received.windows(4).any(|bytes| bytes == b"fine"), "the request was answered");
}

#[tokio::test]
async fn an_answer_on_the_way_keeps_its_connection() {
    let (router, mut cutoffs) = endless();
    let running = start_with(router, MANY, REST).await;
    let (mut client, ended) = http2(&running).await;
    let mut body = request(&mut client, &running, "/endless").await.unwrap().into_body();
    let cutoff = cutoffs.recv().await.unwrap();
    // Meanwhile others come, rest and are closed.
    for _ in 0..5 {
        let (mut other, closed) = http2(&running).await;
        assert_eq!(request(&mut other, &running, "/").await.unwrap().status(), 200);
        closed.await.unwrap().unwrap();
    }
    let mut client = client.ready().await.unwrap();
    assert_eq!(request(&mut client, &running, "/").await.unwrap().status(), 200);
    assert!(!ended.is_finished());
    cutoff.request();
    while body.data().await.is_some_and(|data| data.is_ok()) {}
    ended.await.unwrap().unwrap();
}
