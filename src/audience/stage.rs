//! What can go wrong below the CSV reader, carried through `io::Error` to the top, where the line is known.

use std::io;

/// A failure of one of the readers the bytes pass through.
#[derive(Debug, thiserror::Error)]
pub(super) enum StageError {
    #[error("it grows to more than {ratio} times its size")]
    Bomb { ratio: u64 },
    #[error("the compressed data is cut off or damaged")]
    Corrupt(#[source] io::Error),
    #[error("a record is longer than {limit} bytes")]
    RecordTooLarge { limit: u64 },
    #[error("it ends in NUL bytes")]
    NulTail,
}

impl From<StageError> for io::Error {
    fn from(error: StageError) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, error)
    }
}
