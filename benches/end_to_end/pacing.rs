//! Whether a rate is held: what the provider, which refuses a message above its limit in any second, saw over half a minute.

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions as _, SqliteConnection};

use crate::Done;
use crate::engine::run;
use crate::place::{Place, Wanted};

/// How long a rate is held.
const SECONDS: u32 = 30;

/// The table of rates.
pub(crate) fn rows() -> Done {
    println!("| rate of each | senders | held | most in any second | calls refused as too fast |");
    println!("|---:|---:|---:|---:|---:|");
    for (rate, senders) in [(80, 1), (80, 4), (80, 16), (1_000, 1), (1_000, 4)] {
        let recipients = rate * senders * SECONDS;
        let wanted = Wanted { recipients, in_flight: 0, senders, rate, allowed: rate, latency_ms: 100, ..Wanted::default() };
        let place = Place::new(&wanted)?;
        run(&place)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (held, most, refused) = runtime.block_on(read(&place))?;
        println!("| {rate}/s | {senders} | {:.1} % | {most} of {rate} | {refused} |", held * 100.0);
    }
    Ok(())
}

/// Of the senders: the least share of its rate held, the most permits in any second, and refusals.
async fn read(place: &Place) -> Done<(f64, usize, i64)> {
    let mut ledger = SqliteConnectOptions::new().filename(place.ledger()).read_only(true).connect().await?;
    let (mut held, mut most) = (f64::INFINITY, 0);
    for sender in times(&mut ledger).await? {
        // The first sends go one by one, until the way is proven; from a fifth on it is in full swing.
        let steady = sender.get(sender.len() / 5..).unwrap_or_default();
        let (Some(first), Some(last)) = (steady.first(), steady.last()) else { return Err("nothing was sent".into()) };
        #[expect(clippy::cast_precision_loss, reason = "counts of half a minute")]
        let rate = (steady.len() - 1) as f64 * 1_000.0 / (last - first) as f64;
        held = held.min(rate / f64::from(place.wanted.rate));
        let in_second = |at: usize| {
            let end = sender.get(at).copied().unwrap_or(0) + 1_000;
            sender.partition_point(|time| *time < end) - at
        };
        most = most.max((0..sender.len()).map(in_second).max().unwrap_or(0));
    }
    let refused = sqlx::query("SELECT COUNT(*) FROM attempt WHERE outcome = 2").fetch_one(&mut ledger).await?.try_get(0)?;
    Ok((held, most, refused))
}

/// When each sender's intents were made, in order, in milliseconds.
async fn times(ledger: &mut SqliteConnection) -> Done<Vec<Vec<i64>>> {
    let mut senders: Vec<Vec<i64>> = Vec::new();
    let rows = sqlx::query("SELECT sender, intent_at FROM attempt ORDER BY sender, intent_at").fetch_all(ledger).await?;
    let mut of = None;
    for row in rows {
        let sender: i64 = row.try_get(0)?;
        if of != Some(sender) {
            senders.push(Vec::new());
            of = Some(sender);
        }
        if let Some(last) = senders.last_mut() {
            last.push(row.try_get(1)?);
        }
    }
    Ok(senders)
}
