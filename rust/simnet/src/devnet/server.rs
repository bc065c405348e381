//! Sockets, TLS and HTTP/1.1 in front of an [`Endpoint`].

use std::net::IpAddr;
use std::time::Duration;

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body, Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use starling_protocol::rpc::MAX_BODY_BYTES;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::fault::Transport;
use super::host::Endpoint;
use super::turns::{Pipelined, Turn, Turns};
use crate::Reply;

/// Answers on `listener` until dropped. While the transport is down, the listener is closed and no
/// connection is open; afterwards it listens at the same address again.
pub(super) async fn serve(
    mut listener: TcpListener,
    tls: Option<TlsAcceptor>,
    endpoint: Endpoint,
    mut transport: watch::Receiver<Transport>,
    idle: Duration,
) {
    loop {
        let address = listener.local_addr();
        tokio::select! {
            () = accept(&listener, tls.as_ref(), &endpoint, idle) => {}
            () = until(&mut transport, |transport| *transport == Transport::Down) => {}
        }
        drop(listener);
        until(&mut transport, |transport| *transport != Transport::Down).await;
        let bound = match address {
            Ok(address) => TcpListener::bind(address).await,
            Err(error) => Err(error),
        };
        match bound {
            Ok(again) => listener = again,
            Err(error) => return log::error!("a devnet node cannot listen again: {error}"),
        }
    }
}

/// Waits for a state of the transport; forever, if the network is gone or the endpoint has none.
async fn until(transport: &mut watch::Receiver<Transport>, wanted: impl FnMut(&Transport) -> bool) {
    if transport.wait_for(wanted).await.is_err() {
        std::future::pending::<()>().await;
    }
}

/// Accepts connections; all of them end with this future.
async fn accept(listener: &TcpListener, tls: Option<&TlsAcceptor>, endpoint: &Endpoint, idle: Duration) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, client)) => {
                    let (tls, endpoint) = (tls.cloned(), endpoint.clone());
                    connections.spawn(connection(stream, client.ip(), tls, endpoint, idle));
                }
                // Out of descriptors, for example: the next connection may have better luck.
                Err(error) => {
                    log::warn!("a devnet node cannot accept: {error}");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn connection(
    stream: TcpStream,
    client: IpAddr,
    tls: Option<TlsAcceptor>,
    endpoint: Endpoint,
    idle: Duration,
) {
    let Some(tls) = tls else { return http(stream, client, endpoint, idle).await };
    if let Ok(Ok(stream)) = tokio::time::timeout(idle, tls.accept(stream)).await {
        http(stream, client, endpoint, idle).await;
    }
}

async fn http(stream: impl AsyncRead + AsyncWrite, client: IpAddr, endpoint: Endpoint, idle: Duration) {
    let (read, write, turn) = Turns::of(stream);
    let service = service_fn(|request: Request<Incoming>| {
        turn.head_read(request.body().size_hint().exact());
        respond(&endpoint, client, &turn, request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        // Runs from the last answer on, so it closes idle connections too.
        .header_read_timeout(idle)
        .serve_connection(TokioIo::new(tokio::io::join(read, write)), service);
    if let Err(error) = connection.await {
        log::trace!("connection to a devnet node: {error}");
    }
}

async fn respond(
    endpoint: &Endpoint,
    client: IpAddr,
    turn: &Turn,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Pipelined> {
    let (head, body) = request.into_parts();
    let reply = match endpoint.turn_away(head.uri.path(), client) {
        Some(refusal) => refusal,
        None => match read(body).await {
            Ok(body) => {
                turn.complete()?;
                // However soon the answer is there: the connection looks first for what came too early.
                tokio::task::yield_now().await;
                endpoint.answer(&head.method, head.uri.path(), &body).await
            }
            Err(refusal) => refusal,
        },
    };
    turn.answered();
    let json = reply.body.first() == Some(&b'{');
    let content = HeaderValue::from_static(if json { "application/json" } else { "text/plain" });
    let mut response = Response::new(Full::new(Bytes::from(reply.body)));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, content);
    Ok(response)
}

/// The whole body, or the refusal of one that is too large; an announced size is enough to refuse.
async fn read(body: Incoming) -> Result<Bytes, Reply> {
    let too_large = || Reply::text(413, "Request body too large");
    if body.size_hint().lower() > MAX_BODY_BYTES as u64 {
        return Err(too_large());
    }
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(Reply::text(400, "invalid body")),
    }
}
