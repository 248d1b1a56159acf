//! A lane with a ledger that takes everything and a provider that answers after a while, in virtual time.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::audience::Phone;
use crate::outbound::emergency::Emergency;
use crate::outbound::key::{DeliveryId, RunNo};
use crate::outbound::ledger::{
    Claimed, Dispatch, Group, GroupResult, Heard, IntentResult, LedgerError, OpenAttempt, RouteTaken, SenderNo,
};
use crate::outbound::progress::Progress;
use crate::outbound::ready::{Halt, Pipeline};
use crate::outbound::status::{Standing, State};
use crate::outbound::writer::Writer;
use crate::provider::contract::{Reply, Request, Transport, TransportError};
use crate::provider::meta::Meta;
use crate::time::{Clock, TokioClock};

const START: Timestamp = Timestamp(1_795_225_500_000);

/// Commits whatever it is given.
struct Willing;

#[async_trait]
impl Dispatch for Willing {
    async fn claim_fresh(&self, _: RunNo, _: DeliveryId, _: u32) -> Result<Vec<Claimed>, LedgerError> {
        Ok(Vec::new())
    }
    async fn claim_due(&self, _: RunNo, _: Timestamp, _: u32) -> Result<Vec<Claimed>, LedgerError> {
        Ok(Vec::new())
    }
    async fn next_due(&self, _: RunNo) -> Result<Option<Timestamp>, LedgerError> {
        Ok(None)
    }
    async fn windows(&self, _: &[SenderNo], _: &[Phone]) -> Result<HashMap<(SenderNo, Phone), Timestamp>, LedgerError> {
        Ok(HashMap::new())
    }
    async fn commit(&self, group: &Group) -> Result<GroupResult, LedgerError> {
        Ok(GroupResult { intents: vec![IntentResult::Committed; group.intents.len()], ..GroupResult::default() })
    }
    async fn open_intents(&self, _: RunNo, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn unknown_due(&self, _: RunNo, _: Timestamp, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn unresolved(&self, _: RunNo, _: DeliveryId, _: u32) -> Result<Vec<OpenAttempt>, LedgerError> {
        Ok(Vec::new())
    }
    async fn heard(&self, _: SenderNo, _: Timestamp, _: Timestamp) -> Result<Heard, LedgerError> {
        Ok(Heard::default())
    }
    async fn end_pending(&self, _: RunNo, _: State, _: u32) -> Result<u64, LedgerError> {
        Ok(0)
    }
}

/// Takes every message after 200 ms, and remembers whose was sent when; a run's path is its number.
#[derive(Debug, Default)]
struct Slow {
    sent: Mutex<Vec<(String, Instant)>>,
    answers: HashMap<String, &'static str>,
    flying: AtomicUsize,
    most: AtomicUsize,
}

impl Slow {
    fn sent(&self, run: u32) -> usize {
        self.sent.lock().unwrap().iter().filter(|(path, _)| *path == run.to_string()).count()
    }
}

#[async_trait]
impl Transport for Slow {
    async fn post(&self, request: &Request) -> Result<Reply, TransportError> {
        self.sent.lock().unwrap().push((request.path.clone(), Instant::now()));
        let flying = self.flying.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(flying, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.flying.fetch_sub(1, Ordering::SeqCst);
        let refusal = self.answers.get(&request.path);
        let body = refusal.copied().unwrap_or(r#"{"messages":[{"id":"wamid.1"}]}"#);
        Ok(Reply {
            status: if refusal.is_some() { 400 } else { 200 },
            retry_after: None,
            body: Bytes::from_static(body.as_bytes()),
        })
    }
}

/// One run on the lane.
struct Run {
    queue: mpsc::Sender<Ready>,
    halts: mpsc::UnboundedReceiver<Halt>,
    pipeline: Arc<Pipeline>,
    stop: CancellationToken,
    _back: mpsc::UnboundedReceiver<Returned>,
}

struct Bench {
    lane: LaneHandle,
    transport: Arc<Slow>,
    clock: Arc<dyn Clock>,
}

impl Bench {
    fn new(rate: &str, transport: Slow) -> Self {
        let clock: Arc<dyn Clock> = Arc::new(TokioClock::starting_at(START));
        let transport = Arc::new(transport);
        let (writer, _) = Writer::start(Arc::new(Willing), Emergency::default());
        let line = Line {
            sender: SenderNo(1),
            name: "one".to_owned(),
            provider: Arc::new(Meta::new()),
            transport: Arc::clone(&transport) as _,
            writer,
            clock: Arc::clone(&clock),
        };
        let (handle, _) = start(LaneSetup { quota: rate.parse().unwrap(), in_flight: None, line });
        Self { lane: handle, transport, clock }
    }

    /// A run with messages for `count` people, all queued.
    fn run(&self, no: u32, count: u64, change: impl FnOnce(&mut RunLink)) -> Run {
        let (queue, waiting) = mpsc::channel(512);
        let (back, returned) = mpsc::unbounded_channel();
        let (halts, halted) = mpsc::unbounded_channel();
        let (stop, pipeline) = (CancellationToken::new(), Arc::new(Pipeline::default()));
        let mut link = RunLink {
            no: RunNo(no),
            priority: 0,
            sender: SenderNo(1),
            queue: waiting,
            back,
            halts,
            pacer: None,
            in_flight: None,
            proven: true,
            progress: Arc::new(Progress::default()),
            has_template: true,
            grace: Duration::from_secs(900),
            expires_at: None,
            stop: stop.clone(),
        };
        change(&mut link);
        for record in 1..=count {
            let id = DeliveryId::new(RunNo(no), record).unwrap();
            let claimed = Claimed {
                id,
                person: Phone::from_digits(525_550_000_000 + record).unwrap(),
                line: record,
                standing: Standing::PLANNED,
                vars: Vec::new(),
            };
            let request = Request { path: no.to_string(), body: Bytes::new() };
            let place = pipeline.enter(id, false).unwrap();
            queue.try_send(Ready { claimed, route: RouteTaken::Template, request, digest: 0, place }).unwrap();
        }
        self.lane.attach(link);
        Run { queue, halts: halted, pipeline, stop, _back: returned }
    }
}

#[tokio::test(start_paused = true)]
async fn a_run_that_paces_itself_leaves_the_lane_to_those_below_it() {
    let bench = Bench::new("50/s", Slow::default());
    let slow: Quota = "1/s burst 1".parse().unwrap();
    let _first = bench.run(1, 100, |link| {
        link.priority = 5;
        link.pacer = Some(Arc::new(Mutex::new(Pacer::new(slow))));
    });
    let _second = bench.run(2, 100, |_| {});
    tokio::time::sleep(Duration::from_secs(10)).await;
    assert!((9..=12).contains(&bench.transport.sent(1)), "{} in ten seconds at one a second", bench.transport.sent(1));
    assert_eq!(bench.transport.sent(2), 100, "the rest of the lane is theirs");
}

#[tokio::test(start_paused = true)]
async fn the_higher_priority_goes_first_and_equals_take_turns() {
    let bench = Bench::new("50/s", Slow::default());
    let _high = bench.run(1, 100, |link| link.priority = 5);
    let _one = bench.run(2, 200, |_| {});
    let _other = bench.run(3, 200, |_| {});
    tokio::time::sleep(Duration::from_secs(6)).await;
    let (one, other) = (bench.transport.sent(2), bench.transport.sent(3));
    assert_eq!(bench.transport.sent(1), 100);
    assert!(one > 50 && one.abs_diff(other) <= 1, "{one} and {other}");
}

#[tokio::test(start_paused = true)]
async fn nothing_queued_is_sent_after_the_runs_end() {
    let bench = Bench::new("10/s", Slow::default());
    let end = bench.clock.now() + Duration::from_secs(5);
    let run = bench.run(1, 200, |link| link.expires_at = Some(end));
    tokio::time::sleep(Duration::from_secs(8)).await;
    let sent = bench.transport.sent(1);
    assert!((40..=60).contains(&sent), "{sent} in five seconds at ten a second");
    assert!(run.pipeline.is_empty(), "the others are back in the ledger at once, not at ten a second");
    assert!(!run.stop.is_cancelled());
    drop(run.queue);
}

#[tokio::test(start_paused = true)]
async fn a_new_run_on_a_busy_lane_proves_itself_first() {
    let refusal = r#"{"error":{"code":132001,"message":"template does not exist"}}"#;
    let bench = Bench::new("1000/s", Slow { answers: HashMap::from([("2".to_owned(), refusal)]), ..Slow::default() });
    let _old = bench.run(1, 500, |_| {});
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert!(bench.transport.most.load(Ordering::SeqCst) > 25, "the lane is at full speed");
    let mut new = bench.run(2, 300, |link| link.proven = false);
    let halt = tokio::time::timeout(Duration::from_secs(30), new.halts.recv()).await.unwrap().unwrap();
    assert!(halt.sender.is_none() && halt.reason.contains("132001"), "{halt:?}");
    assert!(bench.transport.sent(2) <= 6, "{} calls for a template that does not exist", bench.transport.sent(2));
}

#[tokio::test(start_paused = true)]
async fn a_number_in_maintenance_is_left_alone_for_the_minute_it_asks_for() {
    let refusal = r#"{"error":{"code":131057,"message":"account in maintenance"}}"#;
    let bench = Bench::new("100/s", Slow { answers: HashMap::from([("1".to_owned(), refusal)]), ..Slow::default() });
    let _run = bench.run(1, 200, |_| {});
    tokio::time::sleep(Duration::from_secs(55)).await;
    let sent = bench.transport.sent(1);
    assert!(sent <= 40, "{sent} calls: those in flight when the first answer came, and none after");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!((1..=2).contains(&(bench.transport.sent(1) - sent)), "then one at a time");
}
