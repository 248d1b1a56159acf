//! Fanfare sends WhatsApp campaigns to lists of people and says afterwards, to the person, what happened.
//!
//! This page is the map. The folders are the stages a message passes through.
//!
//! ```text
//!  campaign file ──► campaign ─┐
//!                              ├─► outbound::plan ──► [ store: the ledger ] ──► outbound::dispatcher
//!  CSV ────────────► audience ─┘   checks every row,    one row a recipient       claim a batch
//!                                  renders it once,     variables kept            decide   window, route
//!                                  throws the bytes away                          render   the exact bytes
//!                                                                                 intent   committed first
//!    people ◄── WhatsApp ◄── provider's API ◄──── provider adapter ◄───────────── call, then outcome committed
//!       │                        │
//!       └──── replies ───────────┴─► server::webhooks ─► inbox (committed) ─► receipt: fold, windows, evidence
//!                                                                                │
//!                                            report: terminal, JSON, CSV ◄── [ store ]
//! ```
//!
//! Four runs of work meet only in the ledger: **plan** (once a run, idempotent), **dispatch** (a loop per lane), **receive**
//! (store raw, answer, fold) and **report** (read only). Resume is dispatch again. None calls another.
//!
//! # Invariants
//!
//! - No byte of a send leaves before its intent is committed and fsynced ([`outbound`]).
//! - A delivery changes state only by [`outbound::status::advance`]; SQL compares and sets.
//! - An outcome nobody understood is *unknown*, and an unknown is settled by evidence or by the campaign's policy, never by a
//!   blind second try.
//! - Webhooks never write the sender's columns, and the sender never writes theirs; only evidence crosses, as an event to `advance`.
//! - SQL only in [`store`]; reqwest only in [`provider`]; printing only in [`app`]; the system clock only in [`time`].
//! - An adapter encodes and classifies; it never retries, sleeps or decides.
//! - [`simulator`] shares no logic with the engine: it is the other side, and keeps a ledger of its own.
//!
//! # Glossary
//!
//! *campaign* the file · *run* one execution of it · *audience* the list · *recipient* one person of a run · *sender* a number we send
//! from · *lane* the paced queue of one sender · *window* the 24 hours after a person's last message to a sender · *free-form* a
//! message that needs an open window · *template* one that does not · *delivery* what a run owes one recipient · *attempt* one call ·
//! *intent* the promise written before it · *outcome* what was learned · *unknown* nothing was · *receipt* what webhooks said.

pub mod app;
pub mod audience;
pub mod campaign;
pub mod decision;
pub mod message;
pub mod outbound;
pub mod provider;
pub mod receipt;
pub mod report;
pub mod server;
pub mod simulator;
pub mod store;
pub mod time;
