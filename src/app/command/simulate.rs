//! `fanfare simulate`.

use anyhow::Context as _;

use super::{clock, out};
use crate::app::args::SimulateArguments;
use crate::app::exit::Exit;
use crate::app::shutdown;
use crate::simulator::{Simulator, SimulatorConfig};

/// Is the provider until stopped.
pub(super) async fn simulate(arguments: &SimulateArguments) -> anyhow::Result<Exit> {
    let mut config = match &arguments.settings {
        Some(file) => {
            let text = std::fs::read_to_string(file).with_context(|| format!("cannot read {}", file.display()))?;
            SimulatorConfig::from_toml(&text).with_context(|| format!("the simulator's settings {} are wrong", file.display()))?
        }
        None => SimulatorConfig::default(),
    };
    config.listen = arguments.listen.unwrap_or(config.listen);
    config.webhook_url = arguments.webhook_url.clone().or(config.webhook_url);
    config.ledger = arguments.ledger.clone().or(config.ledger);
    let stop = shutdown::on_signal()?;
    let simulator = Simulator::start(config, clock()).await?;
    out(&format!("listening on {}\n", simulator.base_url()))?;
    stop.cancelled().await;
    let stats = simulator.stats();
    simulator.shutdown().await;
    out(&format!("{stats:#?}\n"))?;
    Ok(Exit::Done)
}
