//! HTTP on loopback: connections, paths, and the ways an answer can go wrong.
//!
//! In: bytes of clients. Out: bytes of answers, or the faults an [`Outcome`] asks for, as they look on a real wire. It must not
//! know what makes a message good.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::answer::{Answer, Refusal};
use super::graph::{self, Asked};
use super::messages::{self, Arrival, Outcome};
use super::validate;
use super::world::World;

/// The longest request: Meta's largest media are 100 MB, of which nothing is kept here.
const BODY_BYTES: usize = 128 * 1024 * 1024;

/// Accepts connections until `stop`.
pub(super) async fn listen(world: Arc<World>, listener: TcpListener, stop: CancellationToken, tasks: TaskTracker) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stop.cancelled() => return,
        };
        let Ok((stream, _)) = accepted else {
            // Mostly too many open files: others must finish first.
            tokio::task::yield_now().await;
            continue;
        };
        let (world, stop) = (Arc::clone(&world), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = serve(world, stream) => {}
                () = stop.cancelled() => {}
            }
        });
    }
}

async fn serve(world: Arc<World>, stream: TcpStream) {
    if stream.set_nodelay(true).is_err() {
        return;
    }
    let reset = Arc::new(AtomicBool::new(false));
    let socket = TokioIo::new(Socket { stream, reset: Arc::clone(&reset) });
    let service = service_fn(move |request| {
        let (world, reset) = (Arc::clone(&world), Arc::clone(&reset));
        async move { respond(&world, &reset, request).await }
    });
    // Its errors are the clients' or asked for by a fault.
    http1::Builder::new().serve_connection(socket, service).await.ok();
}

/// Why a connection ends without an answer.
#[derive(Debug, thiserror::Error)]
#[error("the connection is closed on purpose")]
struct Closed;

async fn respond(world: &Arc<World>, reset: &AtomicBool, request: Request<Incoming>) -> Result<Response<Reply>, Closed> {
    let (head, body) = request.into_parts();
    let bearer = head.headers.get(AUTHORIZATION).and_then(|value| value.as_bytes().strip_prefix(b"Bearer "));
    let has_good_token = bearer == Some(world.config.token.expose().as_bytes());
    let body = Limited::new(body, BODY_BYTES).collect().await.map_err(|_| Closed)?.to_bytes();
    let outcome = match route(&head.method, head.uri.path()) {
        Route::Messages { .. } if has_good_token && marks_read(&body) => {
            Outcome::Answer(Answer::json(200, r#"{"success":true}"#))
        }
        Route::Messages { number_id, only_marketing } => {
            let arrival = Arrival { number_id: number_id.to_owned(), has_good_token, only_marketing, body };
            messages::receive(world, arrival).await
        }
        Route::Other(segments) => Outcome::Answer(if has_good_token && !messages::is_revoked(world) {
            let host = head.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
            let here = format!("http://{host}{}", head.uri.path());
            graph::answer(
                world,
                &head.method,
                &segments,
                &Asked { here: &here, query: head.uri.query().unwrap_or_default() },
                &body,
            )
        } else {
            Answer::refused(&Refusal::plain(190), 0)
        }),
    };
    match outcome {
        Outcome::Answer(answer) => Ok(reply(answer, Cut::No)),
        Outcome::CutShort(answer) => Ok(reply(answer, Cut::Half)),
        Outcome::ResetInside(answer) => {
            reset.store(true, Ordering::Relaxed);
            Ok(reply(answer, Cut::Half))
        }
        Outcome::Reset => {
            reset.store(true, Ordering::Relaxed);
            Err(Closed)
        }
        Outcome::Close => Err(Closed),
        // Until the client goes or the simulator stops.
        Outcome::Silence => std::future::pending().await,
    }
}

/// Read receipts come to the same path and are no messages. A look at the raw text spares the others a second reading.
fn marks_read(body: &[u8]) -> bool {
    let may_be = std::str::from_utf8(body).is_ok_and(|text| text.contains("\"status\""));
    may_be && validate::read(body).is_ok_and(|envelope| envelope.marks_read())
}

enum Route<'a> {
    Messages { number_id: &'a str, only_marketing: bool },
    Other(Vec<&'a str>),
}

/// Reads `/{version}/…`; the version may be left out, as Meta allows.
fn route<'a>(method: &Method, path: &'a str) -> Route<'a> {
    let is_version = |segment: &str| segment.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    let mut segments = path.split('/').filter(|segment| !segment.is_empty()).peekable();
    segments.next_if(|segment| is_version(segment));
    let mut rest = segments.clone();
    match (method, rest.next(), rest.next(), rest.next()) {
        (&Method::POST, Some(number_id), Some("messages"), None) => Route::Messages { number_id, only_marketing: false },
        (&Method::POST, Some(number_id), Some("marketing_messages"), None) => Route::Messages { number_id, only_marketing: true },
        _ => Route::Other(segments.collect()),
    }
}

/// How much of an answer is sent.
#[derive(Clone, Copy)]
enum Cut {
    No,
    Half,
}

fn reply(answer: Answer, cut: Cut) -> Response<Reply> {
    let length = u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
    let body = match cut {
        Cut::No => Reply::Whole(Some(answer.body)),
        Cut::Half => Reply::Half { rest: Some(answer.body.slice(..answer.body.len() / 2)), length, has_waited: false },
    };
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(answer.content_type));
    response
}

/// The body of an answer.
#[derive(Debug)]
enum Reply {
    /// All of it.
    Whole(Option<Bytes>),
    /// The first half of `length` bytes, then an error, which ends the connection.
    Half { rest: Option<Bytes>, length: u64, has_waited: bool },
}

impl Body for Reply {
    type Data = Bytes;
    type Error = Closed;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Closed>>> {
        match &mut *self {
            Self::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Self::Half { rest, has_waited, .. } => {
                if let Some(bytes) = rest.take() {
                    return Poll::Ready(Some(Ok(Frame::data(bytes))));
                }
                // One round without data makes the server write out what it has before it hears of the end.
                if !std::mem::replace(has_waited, true) {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Poll::Ready(Some(Err(Closed)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Self::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, |b| u64::try_from(b.len()).unwrap_or(0))),
            Self::Half { length, .. } => SizeHint::with_exact(*length),
        }
    }
}

/// A connection that can be reset instead of closed.
#[derive(Debug)]
struct Socket {
    stream: TcpStream,
    reset: Arc<AtomicBool>,
}

impl Drop for Socket {
    fn drop(&mut self) {
        if self.reset.load(Ordering::Relaxed) {
            // Without linger, closing sends a reset.
            self.stream.set_zero_linger().ok();
        }
    }
}

impl AsyncRead for Socket {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Socket {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // A shutdown would tell the client of a proper end before the reset.
        if self.reset.load(Ordering::Relaxed) {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
