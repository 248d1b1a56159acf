//! Shows how far a run is: a bar on a terminal, log lines elsewhere.
//!
//! In come the engine's counters, looked at from time to time; out go lines of text. The engine knows nothing of this and never
//! waits for it. Time is tokio's, so that tests can let it jump.

use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::outbound::progress::{Progress, Snapshot};
use crate::report::figures::{duration, number, percent};

/// Redraws a second on a terminal: smooth to the eye, nothing to the machine.
pub const REDRAWS: u8 = 10;
/// Between two log lines.
pub const LINE_EVERY: Duration = Duration::from_secs(5);
/// Between two looks at the counters; the redraws' beat.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// The rate shown is that of the last so many seconds: short enough to follow, long enough not to jitter.
const RATE_OVER: Duration = Duration::from_secs(10);

/// Where progress is shown.
pub enum Shown {
    /// As a bar that is redrawn, at most [`REDRAWS`] times a second.
    Bar(ProgressDrawTarget),
    /// As a line now, one every [`LINE_EVERY`], and one at the end.
    Lines(Box<dyn Write + Send>),
}

impl fmt::Debug for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bar(_) => "Bar",
            Self::Lines(_) => "Lines",
        })
    }
}

impl Shown {
    /// On standard error: a bar when that is a terminal, else lines.
    pub fn on_stderr() -> Self {
        use std::io::IsTerminal;
        if std::io::stderr().is_terminal() {
            Self::Bar(ProgressDrawTarget::stderr_with_hz(REDRAWS))
        } else {
            Self::Lines(Box::new(std::io::stderr()))
        }
    }
}

/// Shows the counters until `over`, and then once more as they ended. A closed output ends the showing, never the run.
pub async fn follow(progress: &Progress, shown: Shown, over: CancellationToken) {
    let mut show = Show::new(shown);
    let mut meter = Meter::default();
    let mut looks = interval(LOOK_EVERY);
    looks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            biased;
            () = over.cancelled() => break,
            _ = looks.tick() => {}
        }
        let (now, counters) = (Instant::now(), progress.snapshot());
        meter.see(now, &counters);
        show.look(now, &counters, &meter);
    }
    let (now, counters) = (Instant::now(), progress.snapshot());
    meter.see(now, &counters);
    show.end(&counters, &meter);
}

/// How fast a counter rose lately.
#[derive(Debug, Default)]
struct Meter {
    planned: u64,
    seen: VecDeque<(Instant, u64)>,
}

impl Meter {
    fn see(&mut self, now: Instant, counters: &Snapshot) {
        let Snapshot { planned, done, .. } = *counters;
        // The counters were set to what the ledger says: that jump is no speed.
        if planned != self.planned {
            self.seen.clear();
            self.planned = planned;
        }
        self.seen.push_back((now, done));
        // One sample older than the window stays: it is where the window begins.
        while self.seen.get(1).is_some_and(|&(at, _)| now.duration_since(at) >= RATE_OVER) {
            self.seen.pop_front();
        }
    }

    /// Rise and the milliseconds it took; none before a second has passed.
    fn rise(&self) -> Option<(u64, u64)> {
        let (&(from, least), &(to, most)) = (self.seen.front()?, self.seen.back()?);
        let millis = u64::try_from(to.duration_since(from).as_millis()).ok().filter(|&millis| millis >= 1000)?;
        Some((most.saturating_sub(least), millis))
    }

    /// Tenths of a unit a second.
    fn tenths(&self) -> Option<u64> {
        self.rise().map(|(rise, millis)| rise.saturating_mul(10_000) / millis)
    }

    /// Milliseconds until `left` more; none while nothing rises.
    fn until(&self, left: u64) -> Option<u64> {
        let (rise, millis) = self.rise().filter(|&(rise, _)| rise > 0)?;
        u64::try_from(u128::from(left) * u128::from(millis) / u128::from(rise)).ok()
    }
}

/// The counters in words.
fn line(counters: &Snapshot, meter: &Meter) -> String {
    let Snapshot { planned, done, accepted, rejected, skipped, unknown, in_flight, delivered, .. } = *counters;
    let share = percent(done.min(planned), planned);
    let share = if share.is_empty() { share } else { format!(" ({share})") };
    let mut parts = vec![format!("{} of {} done{share}", number(done), number(planned)), format!("{} sent", number(accepted))];
    for (count, word) in [(rejected, "failed"), (skipped, "skipped"), (unknown, "unknown"), (delivered, "heard of")] {
        if count > 0 {
            parts.push(format!("{} {word}", number(count)));
        }
    }
    parts.push(format!("{} in flight", number(in_flight)));
    if let Some(tenths) = meter.tenths() {
        parts.push(format!("{}.{}/s", number(tenths / 10), tenths % 10));
    }
    if let Some(millis) = meter.until(planned.saturating_sub(done)).filter(|_| done < planned) {
        parts.push(format!("{} left", duration(millis.next_multiple_of(1000).max(1000))));
    }
    parts.join(", ")
}

enum Show {
    Bar(ProgressBar),
    Lines { out: Box<dyn Write + Send>, last: Option<Instant> },
    Gone,
}

impl Show {
    fn new(shown: Shown) -> Self {
        match shown {
            Shown::Bar(target) => {
                let bar = ProgressBar::with_draw_target(Some(0), target);
                if let Ok(style) = ProgressStyle::with_template("[{bar:24}] {wide_msg}") {
                    bar.set_style(style.progress_chars("=> "));
                }
                Self::Bar(bar)
            }
            Shown::Lines(out) => Self::Lines { out, last: None },
        }
    }

    fn look(&mut self, now: Instant, counters: &Snapshot, meter: &Meter) {
        match self {
            Self::Bar(bar) => draw(bar, counters, meter),
            Self::Lines { last, .. } if last.is_some_and(|last| now.duration_since(last) < LINE_EVERY) => {}
            Self::Lines { last, .. } => {
                *last = Some(now);
                self.write(counters, meter);
            }
            Self::Gone => {}
        }
    }

    fn end(&mut self, counters: &Snapshot, meter: &Meter) {
        match self {
            Self::Bar(bar) => {
                draw(bar, counters, meter);
                bar.abandon();
            }
            Self::Lines { .. } => self.write(counters, meter),
            Self::Gone => {}
        }
    }

    fn write(&mut self, counters: &Snapshot, meter: &Meter) {
        if let Self::Lines { out, .. } = self
            && writeln!(out, "{}", line(counters, meter)).and_then(|()| out.flush()).is_err()
        {
            *self = Self::Gone;
        }
    }
}

fn draw(bar: &ProgressBar, counters: &Snapshot, meter: &Meter) {
    bar.set_length(counters.planned.max(1));
    bar.set_position(counters.done.min(counters.planned));
    bar.set_message(line(counters, meter));
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use indicatif::TermLike;

    use super::*;
    use crate::outbound::progress::Count;

    /// What was written, and how often it was flushed; closes when told so.
    #[derive(Clone, Debug, Default)]
    struct Paper(Arc<Mutex<(String, u32, bool)>>);

    impl Paper {
        fn text(&self) -> String {
            self.0.lock().unwrap().0.clone()
        }

        fn add(&self, text: &str) -> io::Result<()> {
            let mut paper = self.0.lock().unwrap();
            if paper.2 {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            paper.0.push_str(text);
            Ok(())
        }
    }

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.add(std::str::from_utf8(bytes).unwrap())?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            self.0.lock().unwrap().1 += 1;
            Ok(())
        }
    }

    impl TermLike for Paper {
        fn width(&self) -> u16 {
            140
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.add(&format!("{text}\n"))
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            self.add(text)
        }
        fn clear_line(&self) -> io::Result<()> {
            self.add("\n")
        }
        fn flush(&self) -> io::Result<()> {
            self.0.lock().unwrap().1 += 1;
            Ok(())
        }
    }

    fn starting(planned: u64) -> Progress {
        let progress = Progress::default();
        progress.restart(Snapshot { planned, ..Snapshot::default() });
        progress
    }

    /// Seventy a second for `secs`, one in ten refused.
    async fn send(progress: &Progress, secs: u32) {
        for _ in 0..secs * 10 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            progress.count(Count::Accepted, 6);
            progress.count(Count::Rejected, 1);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn lines_now_every_five_seconds_and_at_the_end() {
        let (paper, progress, over) = (Paper::default(), starting(12_000), CancellationToken::new());
        let shown = Shown::Lines(Box::new(paper.clone()));
        progress.call_begins();
        let run = async {
            send(&progress, 12).await;
            progress.call_ends();
            over.cancel();
        };
        tokio::join!(follow(&progress, shown, over.clone()), run);
        let text = paper.text();
        let lines: Vec<_> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert_eq!(lines[0], "0 of 12,000 done (0.0%), 0 sent, 1 in flight");
        assert!(lines[1].contains(" failed, 1 in flight, 6") || lines[1].contains(" failed, 1 in flight, 7"), "{text}");
        // Which timer of one instant fires first is the runtime's business: a tenth of a second's sends more or less.
        assert!(lines[3].starts_with("840 of 12,000 done (7.0%), 720 sent, 120 failed, 0 in flight, 7"), "{text}");
        assert!(lines[3].ends_with("s left"), "{text}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_bar_is_redrawn_and_stays_as_it_ended() {
        let (paper, progress, over) = (Paper::default(), starting(700), CancellationToken::new());
        let shown = Shown::Bar(ProgressDrawTarget::term_like_with_hz(Box::new(paper.clone()), REDRAWS));
        let run = async {
            send(&progress, 10).await;
            over.cancel();
        };
        tokio::join!(follow(&progress, shown, over.clone()), run);
        let text = paper.text();
        let last = text.lines().rev().find(|line| line.contains("done")).unwrap();
        assert!(last.starts_with("[========================] 700 of 700 done (100.0%), 600 sent, 100 failed"), "{last}");
        assert!(!last.contains("left"), "{last}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_closed_pipe_ends_the_lines_but_not_the_following() {
        let (paper, progress, over) = (Paper::default(), starting(100), CancellationToken::new());
        paper.0.lock().unwrap().2 = true;
        let run = async {
            send(&progress, 6).await;
            over.cancel();
        };
        tokio::join!(follow(&progress, Shown::Lines(Box::new(paper.clone())), over.clone()), run);
        assert_eq!(paper.text(), "");
    }

    #[tokio::test(start_paused = true)]
    async fn the_rate_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        let start = Instant::now();
        let see = |meter: &mut Meter, second, done| {
            meter.see(start + Duration::from_secs(second), &Snapshot { planned: 1, done, ..Snapshot::default() });
        };
        let mut done = 0;
        for second in 0..100 {
            done += if second < 50 { 1000 } else { 5 };
            see(&mut meter, second, done);
        }
        assert_eq!((meter.tenths(), meter.until(50)), (Some(50), Some(10_000)));
        assert!(meter.seen.len() <= 12);
        see(&mut meter, 200, done);
        assert_eq!(meter.until(50), None, "nothing rises any more");
        meter.see(start + Duration::from_secs(201), &Snapshot { planned: 2, done: 1_000_000, ..Snapshot::default() });
        assert_eq!(meter.tenths(), None, "the ledger's count is no speed");
    }
}
