//! Ctrl-C and SIGTERM: the first one drains and pauses, the second one ends the process as a kill would.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

/// A token that the first signal cancels.
///
/// # Errors
/// When the signals cannot be caught.
pub fn on_signal() -> std::io::Result<CancellationToken> {
    let token = CancellationToken::new();
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let cancelled = token.clone();
    tokio::spawn(async move {
        let mut seen = 0;
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            seen += 1;
            if seen == 1 {
                tracing::warn!("stopping: calls in flight finish and are recorded; once more ends at once");
                cancelled.cancel();
            } else {
                std::process::exit(i32::from(super::exit::Exit::Interrupted as u8));
            }
        }
    });
    Ok(token)
}
