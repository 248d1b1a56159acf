//! The `fanfare` binary: parse, start, exit code.

use clap::Parser as _;
use fanfare::app::args::Arguments;
use fanfare::app::exit::Exit;

#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Exit {
    fanfare::app::command::main(Arguments::parse())
}
