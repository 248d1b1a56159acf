//! How much the simulated provider costs: CPU time of its own thread per request, and requests a second.
//!
//! The simulator runs alone on one thread with its ledger in a file; a bare HTTP/1.1 client on another keeps 64 connections busy
//! with a template message of about 600 bytes. The floor is a bare server of the same HTTP library that reads the body and answers
//! as many bytes: only the ratio to it, in one run, is worth keeping on a busy machine. `cargo bench --bench simulator`; Linux,
//! because the thread's time is read from `/proc`.

#![expect(clippy::print_stdout, reason = "a bench prints its figures")]

use std::sync::Arc;
use std::time::Duration;

use fanfare::simulator::{NumberConfig, Simulator, SimulatorConfig};
use fanfare::time::SystemClock;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

const CONNECTIONS: u64 = 64;
const WARM_UP: Duration = Duration::from_millis(500);
const MEASURED: Duration = Duration::from_secs(3);

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let (floor_rate, floor) = measure("bare", |tell, stopped| tokio_main(bare(tell, stopped)))?;
    println!("a bare server of the same library: {floor_rate:.0} requests/s, {floor:.1} µs CPU a request");
    for (label, webhooks) in [("sends only", false), ("three statuses a message to a callback", true)] {
        let (rate, cpu) = measure(if webhooks { "telling" } else { "sending" }, move |tell, stopped| {
            tokio_main(simulate(webhooks, tell, stopped))
        })?;
        println!("simulator, {label}: {rate:.0} requests/s, {cpu:.1} µs CPU a request, {:.2} times the bare server", cpu / floor);
    }
    Ok(())
}

/// Where a server listens, and its thread.
type Started = (String, u64);
type Tell = std::sync::mpsc::Sender<Started>;
type Stopped = tokio::sync::oneshot::Receiver<()>;

fn tokio_main(work: impl Future<Output = Result<(), Failure>>) -> Result<(), Failure> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

async fn simulate(webhooks: bool, tell: Tell, stopped: Stopped) -> Result<(), Failure> {
    let simulator = Simulator::start(config(webhooks)?, Arc::new(SystemClock)).await?;
    tell.send((simulator.base_url(), thread_id()?))?;
    stopped.await.ok();
    std::fs::remove_file(ledger_path()).ok();
    Ok(())
}

async fn bare(tell: Tell, mut stopped: Stopped) -> Result<(), Failure> {
    use http_body_util::{BodyExt, Full};
    use hyper::body::{Bytes, Incoming};
    const ANSWER: &[u8] = &[b' '; 220];
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    tell.send((format!("http://{}", listener.local_addr()?), thread_id()?))?;
    loop {
        let (stream, _) = tokio::select! {
            accepted = listener.accept() => accepted?,
            _ = &mut stopped => return Ok(()),
        };
        stream.set_nodelay(true)?;
        tokio::spawn(async move {
            let service = hyper::service::service_fn(async |request: hyper::Request<Incoming>| {
                request.into_body().collect().await?;
                Ok::<_, hyper::Error>(hyper::Response::new(Full::new(Bytes::from_static(ANSWER))))
            });
            let socket = hyper_util::rt::TokioIo::new(stream);
            hyper::server::conn::http1::Builder::new().serve_connection(socket, service).await.ok();
        });
    }
}

/// Requests a second, and microseconds of the server's thread for each.
fn measure(name: &str, serve: impl FnOnce(Tell, Stopped) -> Result<(), Failure> + Send + 'static) -> Result<(f64, f64), Failure> {
    let (tell, address) = std::sync::mpsc::channel();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    // The name is for profilers.
    let server = std::thread::Builder::new().name(name.to_owned()).spawn(move || serve(tell, stopped))?;
    let (base, thread) = address.recv()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let figures = runtime.block_on(async {
        let sent = Arc::new(std::sync::atomic::AtomicU64::new(0));
        for connection in 0..CONNECTIONS {
            tokio::spawn(keep_busy(base.clone(), connection, Arc::clone(&sent)));
        }
        tokio::time::sleep(WARM_UP).await;
        let count = || sent.load(std::sync::atomic::Ordering::Relaxed);
        let (began, before, busy) = (Instant::now(), count(), cpu_nanos(thread)?);
        tokio::time::sleep(MEASURED).await;
        let (took, done, busy) = (began.elapsed(), count() - before, cpu_nanos(thread)? - busy);
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let figures = (done as f64 / took.as_secs_f64(), busy as f64 / 1_000.0 / done.max(1) as f64);
        Ok::<_, Failure>(figures)
    })?;
    stop.send(()).ok();
    drop(runtime);
    server.join().map_err(|_| "the server's thread panicked")??;
    Ok(figures)
}

fn ledger_path() -> std::path::PathBuf {
    std::env::temp_dir().join(format!("fanfare-bench-{}.ndjson", std::process::id()))
}

fn config(webhooks: bool) -> Result<SimulatorConfig, Failure> {
    let mut config = SimulatorConfig { ledger: Some(ledger_path()), ..SimulatorConfig::default() };
    config.numbers = vec![NumberConfig { id: "1".into(), limit_per_second: 0, ..NumberConfig::default() }];
    config.webhooks.enabled = webhooks;
    config.people.read_share = 1.0;
    if webhooks {
        config.webhook_url = Some(callback()?);
    }
    Ok(config)
}

/// A callback on a thread of its own that says 200 to everything.
fn callback() -> Result<String, Failure> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let url = format!("http://{}/hook", listener.local_addr()?);
    listener.set_nonblocking(true)?;
    std::thread::spawn(move || -> Result<(), Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async move {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let router = axum::Router::new().route("/hook", axum::routing::post(async |_: axum::body::Bytes| ""));
            axum::serve(listener, router).await?;
            Ok(())
        })
    });
    Ok(url)
}

async fn keep_busy(base: String, connection: u64, sent: Arc<std::sync::atomic::AtomicU64>) -> Result<(), Failure> {
    let mut stream = TcpStream::connect(base.trim_start_matches("http://")).await?;
    stream.set_nodelay(true)?;
    let mut answer = vec![0; 4_096];
    for n in 0_u64.. {
        let person = connection * 10_000_000 + n;
        let body = format!(
            r#"{{"messaging_product":"whatsapp","recipient_type":"individual","to":"+52{person:011}","type":"template","template":{{"name":"spring_sale_v3","language":{{"code":"es_MX"}},"components":[{{"type":"header","parameters":[{{"type":"image","image":{{"id":"1558081531584829"}}}}]}},{{"type":"body","parameters":[{{"type":"text","text":"Guadalupe"}},{{"type":"text","text":"25 %"}},{{"type":"text","text":"31 de diciembre"}}]}},{{"type":"button","sub_type":"url","index":"0","parameters":[{{"type":"text","text":"primavera-2026"}}]}}]}},"biz_opaque_callback_data":"w1-k3v7q2m5x8c1n4b6-{person}-0"}}"#
        );
        let head = format!(
            "POST /v26.0/1/messages HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer simulator-token\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all((head + &body).as_bytes()).await?;
        let read = stream.read(&mut answer).await?;
        if !answer.get(..read).unwrap_or_default().starts_with(b"HTTP/1.1 200") {
            return Err("the simulator did not accept a message".into());
        }
        sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
    Ok(())
}

/// The number of the calling thread.
fn thread_id() -> Result<u64, Failure> {
    let link = std::fs::read_link("/proc/thread-self")?;
    let name = link.file_name().and_then(|name| name.to_str()).ok_or("no thread id")?;
    Ok(name.parse()?)
}

/// Nanoseconds a thread of this process was on a processor.
fn cpu_nanos(thread: u64) -> Result<u64, Failure> {
    let text = std::fs::read_to_string(format!("/proc/self/task/{thread}/schedstat"))?;
    Ok(text.split_whitespace().next().ok_or("no time")?.parse()?)
}
