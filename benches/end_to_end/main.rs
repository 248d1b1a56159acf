//! What a campaign costs from its list to its last outcome, beside the floor measured in the same run.
//!
//! `cargo bench --bench end_to_end [-- --sizes 10000,100000,1000000 --runs 3 --in-flight 256 --webhooks --pacing]`. The engine is
//! `fanfare run` and the provider `fanfare simulate`, each a process of its own as their users start them; the ledger is a SQLite file
//! with full durability. CPU is the operating system's accounting of the engine's process alone. The floor is the sum of three
//! measured programs that do nothing else: a pooled client of the same HTTP library that posts the same bytes at the same
//! concurrency, a writer that commits two facts a message set-based, and one render with one JSON body. Linux: `/proc` is read.
//!
//! Without `--bench` (as `cargo test` starts it) one small campaign runs once, unmeasured.

#![expect(clippy::print_stdout, reason = "a printed table is the result")]

mod engine;
mod floor;
mod pacing;
mod place;
mod process;

use std::error::Error;

use engine::{Run, plan_only, run};
use floor::{Floor, Role};
use place::{Place, Wanted};

type Done<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// What the command line says.
struct Options {
    sizes: Vec<u32>,
    runs: usize,
    in_flight: u32,
    webhooks: bool,
    pacing: bool,
    floor_messages: u32,
}

impl Options {
    fn read() -> Done<Self> {
        let mut options = Self {
            sizes: vec![10_000, 100_000, 1_000_000],
            runs: 3,
            in_flight: 256,
            webhooks: false,
            pacing: false,
            floor_messages: 100_000,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
            match argument.as_str() {
                "--sizes" => options.sizes = value()?.split(',').map(str::parse).collect::<Result<_, _>>()?,
                "--runs" => options.runs = value()?.parse()?,
                "--in-flight" => options.in_flight = value()?.parse()?,
                "--floor" => options.floor_messages = value()?.parse()?,
                "--webhooks" => options.webhooks = true,
                "--pacing" => options.pacing = true,
                "--bench" => {}
                other => return Err(format!("no such option: {other}").into()),
            }
        }
        Ok(options)
    }
}

fn main() -> Done {
    let arguments: Vec<String> = std::env::args().collect();
    if let Some(role) = Role::of(&arguments) {
        return role?.play();
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        return smoke();
    }
    let options = Options::read()?;
    if options.pacing {
        return pacing::rows();
    }
    println!("in flight {}, medians of {} runs (least to most)", options.in_flight, options.runs);
    let floors = sends(&options)?;
    if options.webhooks {
        told(&options, &floors)?;
    }
    Ok(())
}

/// The whole way once, so that `cargo test` notices when it breaks.
fn smoke() -> Done {
    let place = Place::new(&Wanted { recipients: 40, in_flight: 8, ..Wanted::default() })?;
    let run = run(&place)?;
    assert_eq!(run.accepted, 40, "everybody is sent to once");
    Ok(())
}

/// Sends without webhooks: the table of sizes.
fn sends(options: &Options) -> Done<Vec<Floor>> {
    let mut floors = Vec::new();
    let mut rows: Vec<(u32, Vec<Run>, Vec<f64>)> = options.sizes.iter().map(|size| (*size, Vec::new(), Vec::new())).collect();
    for _ in 0..options.runs {
        for (size, runs, plans) in &mut rows {
            let place = Place::new(&Wanted { recipients: *size, in_flight: options.in_flight, ..Wanted::default() })?;
            plans.push(plan_only(&place)?);
            runs.push(run(&place)?);
        }
        floors.push(Floor::measure(options.floor_messages, options.in_flight)?);
    }
    print_floor(&floors);
    let floor = median(&floors.iter().map(Floor::total).collect::<Vec<_>>());
    println!(
        "| recipients | messages/s | CPU µs a message | ÷ floor | of it importing | peak memory | ledger a recipient | plan | import |"
    );
    println!("|---:|---:|---:|---:|---:|---:|---:|---:|---:|");
    for (size, runs, plans) in &rows {
        let of = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<_>>();
        println!(
            "| {size} | {} | {} | {:.2} | {} µs | {} MB | {:.0} bytes | {} rows/s | {} rows/s |",
            spread(&of(Run::rate), 0),
            spread(&of(Run::cpu_sending), 1),
            median(&of(Run::cpu_sending)) / floor,
            spread(&of(Run::cpu_importing), 1),
            spread(&of(Run::peak_mb), 0),
            median(&of(|run| run.ledger_bytes)),
            spread(plans, 0),
            spread(&of(Run::import_rate), 0),
        );
    }
    Ok(floors)
}

/// The same with three signed statuses a message.
fn told(options: &Options, floors: &[Floor]) -> Done {
    let floor = median(&floors.iter().map(Floor::total).collect::<Vec<_>>());
    println!("\nwith three signed statuses a message, received, committed, folded:");
    println!("| recipients | messages/s | statuses/s | CPU µs a message | ÷ floor | peak memory |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for size in &options.sizes {
        let mut runs = Vec::new();
        for _ in 0..options.runs {
            let wanted = Wanted { recipients: *size, in_flight: options.in_flight, webhooks: true, ..Wanted::default() };
            runs.push(run(&Place::new(&wanted)?)?);
        }
        let of = |figure: fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<_>>();
        println!(
            "| {size} | {} | {} | {} | {:.2} | {} MB |",
            spread(&of(Run::rate), 0),
            spread(&of(|run| 3.0 * run.rate()), 0),
            spread(&of(Run::cpu_sending), 1),
            median(&of(Run::cpu_sending)) / floor,
            spread(&of(Run::peak_mb), 0),
        );
    }
    Ok(())
}

fn print_floor(floors: &[Floor]) {
    let of = |figure: fn(&Floor) -> f64| floors.iter().map(figure).collect::<Vec<_>>();
    println!(
        "floor: {} µs a message = bare client {} + bare writer {} + render and body {}; the bare client alone {} messages/s",
        spread(&of(Floor::total), 1),
        spread(&of(|floor| floor.client), 1),
        spread(&of(|floor| floor.writer), 1),
        spread(&of(|floor| floor.render), 1),
        spread(&of(|floor| floor.client_rate), 0),
    );
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

fn median(figures: &[f64]) -> f64 {
    sorted(figures).get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The median, and from the least to the most.
fn spread(figures: &[f64], digits: usize) -> String {
    let sorted = sorted(figures);
    match (sorted.first(), sorted.last()) {
        (Some(least), Some(most)) if figures.len() > 1 => {
            format!("{:.digits$} ({least:.digits$}–{most:.digits$})", median(figures))
        }
        _ => format!("{:.digits$}", median(figures)),
    }
}
