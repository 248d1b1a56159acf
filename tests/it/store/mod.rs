//! Conformance of the ledger's databases: the same bodies over SQLite always, and over PostgreSQL when `FANFARE_TEST_POSTGRES`
//! names a server on which databases may be made.

#![cfg(test)]

mod dispatching;
mod inbox;
mod model;
mod opening;
mod place;
mod races;
mod runs;

use place::{Place, each};

/// Makes a test of a body that takes a [`Place`], on each database.
macro_rules! conforms {
    ($($(#[$doc:meta])* async fn $name:ident($place:ident: &Place) $body:block)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            async fn body($place: &Place) $body
            for place in each(stringify!($name)).await {
                body(&place).await;
                place.remove().await;
            }
        }
    )*};
}
use conforms;
