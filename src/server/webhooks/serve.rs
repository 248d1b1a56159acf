//! The listener: connections within their limits, until it is told to stop.

use std::collections::BTreeMap;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::{Account, Intake, Limits, Webhooks, router};
use crate::time::Clock;

/// Bytes a connection buffers of what it reads: a body comes in pieces of this size at most.
const READ_BUFFER: usize = 64 * 1024;
/// Header lines of a request; Meta sends about fifteen.
const HEADER_LINES: usize = 64;
/// The wait after a connection could not be taken, such as without a free file descriptor.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Receives for these accounts, by the settings' name of their provider, within the default [`Limits`]; see [`Webhooks::serve`].
///
/// # Errors
/// When a secret is empty.
pub async fn serve(
    listener: TcpListener,
    accounts: BTreeMap<String, Account>,
    intake: Arc<dyn Intake>,
    clock: Arc<dyn Clock>,
    stop: CancellationToken,
) -> io::Result<()> {
    let webhooks = Webhooks::new(accounts, intake, clock, Limits::default()).map_err(io::Error::other)?;
    Arc::new(webhooks).serve(listener, stop).await;
    Ok(())
}

impl Webhooks {
    /// Serves `/webhooks/{account}` until `stop`, then waits for open requests, [`Limits::drain`] at most.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, stop: CancellationToken) {
        let limits = self.limits;
        let connection = connection(&limits);
        let router = router(self);
        let room = Arc::new(Semaphore::new(limits.connections.min(Semaphore::MAX_PERMITS)));
        let open = TaskTracker::new();
        loop {
            // Room first: whoever finds none waits in the listener's queue, where it costs nothing.
            let accepted = async {
                let place = Arc::clone(&room).acquire_owned().await.map_err(io::Error::other)?;
                listener.accept().await.map(|(stream, _)| (stream, place))
            };
            let (stream, place) = tokio::select! {
                () = stop.cancelled() => break,
                accepted = accepted => match accepted {
                    Ok(accepted) => accepted,
                    Err(error) => {
                        tracing::warn!(%error, "webhook connection not accepted");
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                        continue;
                    }
                },
            };
            let served = converse(connection.clone(), stream, router.clone(), stop.clone());
            open.spawn(async move {
                served.await;
                drop(place);
            });
        }
        drop(listener);
        open.close();
        if tokio::time::timeout(limits.drain, open.wait()).await.is_err() {
            tracing::warn!(connections = open.len(), "webhook connections still open");
        }
    }
}

fn connection(limits: &Limits) -> http1::Builder {
    let mut connection = http1::Builder::new();
    connection
        .timer(TokioTimer::new())
        .header_read_timeout(limits.read)
        .max_header_size(limits.head)
        .max_headers(HEADER_LINES)
        .max_buf_size(READ_BUFFER.max(limits.head));
    connection
}

async fn converse(connection: http1::Builder, stream: TcpStream, router: Router, stop: CancellationToken) {
    // Answers are a few bytes: waiting to fill a packet only delays them.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "webhook connection without nodelay");
    }
    let mut conversation = pin!(connection.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = &mut conversation => ended,
        () = stop.cancelled() => {
            conversation.as_mut().graceful_shutdown();
            conversation.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "webhook connection ended");
    }
}
