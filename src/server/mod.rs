//! What listens: the webhooks' receiver. Every listener serves one thing and nothing else.

pub mod webhooks;
