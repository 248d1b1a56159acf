//! Hands text on line by line, so that the CSV reader's records can be told their place, and sets the limits that it lacks.
//!
//! In: UTF-8 bytes. Out: the same bytes, at most one physical line a read, then a mark behind the end. It knows nothing of quotes:
//! a record that swallows the mark was never closed, whatever the rules of quoting are.

use std::io::{self, Read};

use memchr::memchr2;

use super::stage::StageError;

/// How long one record may be, in bytes. WhatsApp's longest text has 4,096 characters; a megabyte is a file with a fault in it.
pub(super) const RECORD_LIMIT: u64 = 1 << 20;

const BUFFER: usize = 64 << 10;

/// What is handed out behind the end: a record of its own, unless a quote is still open.
const MARK: &[u8] = b"x\n";

/// A reader that gives at most one physical line a call: then every line given out belongs to the record being read.
pub(super) struct Lines<R> {
    inner: R,
    buffer: Box<[u8]>,
    begin: usize,
    end: usize,
    /// The line being handed out, from 1.
    line: u64,
    before: Before,
    /// Where the present record begins; 0 while only blank lines came.
    record_line: u64,
    /// Bytes of the present record.
    record_bytes: u64,
    tail: Tail,
    mark_line: Option<u64>,
    cut_off: bool,
}

/// What was handed out last.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Before {
    /// A line feed, or nothing yet.
    LineEnd,
    /// A carriage return: a line feed that follows belongs to it.
    CarriageReturn,
    /// The middle of a line.
    Text,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tail {
    Reading,
    Mark,
    Done,
}

/// Where a record began, and whether it is one.
pub(super) enum Place {
    /// A record that begins on this line.
    Record(u64),
    /// The end.
    End,
    /// A record that begins on this line and was never closed.
    Unclosed(u64),
}

impl<R: Read> Lines<R> {
    pub(super) fn new(inner: R) -> Lines<R> {
        Lines {
            inner,
            buffer: vec![0; BUFFER].into_boxed_slice(),
            begin: 0,
            end: 0,
            line: 0,
            before: Before::LineEnd,
            record_line: 0,
            record_bytes: 0,
            tail: Tail::Reading,
            mark_line: None,
            cut_off: false,
        }
    }

    /// Reads over the lines before the header.
    pub(super) fn skip(&mut self, lines: usize) -> io::Result<()> {
        let mut scratch = [0; 1024];
        for _ in 0..lines {
            while self.read(&mut scratch)? > 0 && self.before == Before::Text {}
        }
        self.take_place();
        Ok(())
    }

    /// Where the record that was just read stands; begins the next one.
    pub(super) fn take_place(&mut self) -> Place {
        let line = std::mem::take(&mut self.record_line);
        self.record_bytes = 0;
        match self.mark_line {
            Some(mark) if mark == line => Place::End,
            Some(_) => Place::Unclosed(line),
            None => Place::Record(line),
        }
    }

    /// The line reached.
    pub(super) fn line(&self) -> u64 {
        if self.record_line > 0 { self.record_line } else { self.line.max(1) }
    }

    /// Whether the last line had no line end.
    pub(super) fn cut_off(&self) -> bool {
        self.cut_off
    }

    fn fill(&mut self) -> io::Result<()> {
        self.begin = 0;
        self.end = 0;
        loop {
            match self.inner.read(&mut self.buffer) {
                Ok(n) => {
                    self.end = n;
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Counts a piece that is about to be handed out.
    fn count(&mut self, piece: &[u8]) -> io::Result<()> {
        let (Some(&first), Some(&last)) = (piece.first(), piece.last()) else { return Ok(()) };
        let ends_crlf = self.before == Before::CarriageReturn && piece == b"\n";
        if self.before != Before::Text && !ends_crlf {
            self.line += 1;
        }
        let blank = matches!(first, b'\n' | b'\r');
        if self.record_line == 0 && !blank {
            self.record_line = self.line;
        }
        if self.record_line > 0 {
            self.record_bytes += piece.len() as u64;
            if self.record_bytes > RECORD_LIMIT {
                let nul = piece.iter().all(|&b| b == 0);
                return Err(if nul { StageError::NulTail } else { StageError::RecordTooLarge { limit: RECORD_LIMIT } }.into());
            }
        }
        self.before = match last {
            b'\n' => Before::LineEnd,
            b'\r' => Before::CarriageReturn,
            _ => Before::Text,
        };
        Ok(())
    }

    /// The end of the last line if it has none, the mark, then nothing.
    fn read_tail(&mut self, out: &mut [u8]) -> usize {
        let piece: &[u8] = match self.tail {
            Tail::Reading if self.before == Before::Text => {
                self.before = Before::LineEnd;
                self.cut_off = true;
                b"\n"
            }
            Tail::Reading => {
                self.tail = Tail::Mark;
                let line = self.line + 1;
                self.mark_line = Some(line);
                if self.record_line == 0 {
                    self.record_line = line;
                }
                MARK
            }
            Tail::Mark | Tail::Done => {
                self.tail = Tail::Done;
                b""
            }
        };
        copy(piece, out)
    }
}

fn copy(piece: &[u8], out: &mut [u8]) -> usize {
    let n = piece.len().min(out.len());
    if let (Some(out), Some(piece)) = (out.get_mut(..n), piece.get(..n)) {
        out.copy_from_slice(piece);
    }
    n
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.len() < MARK.len() {
            return Ok(0);
        }
        if self.begin == self.end && self.tail == Tail::Reading {
            self.fill()?;
        }
        if self.begin == self.end {
            return Ok(self.read_tail(out));
        }
        let (begin, end) = (self.begin, self.end);
        let buffer = std::mem::take(&mut self.buffer);
        let rest = buffer.get(begin..end).unwrap_or_default();
        let line_end = memchr2(b'\n', b'\r', rest).map_or(rest.len(), |i| {
            let crlf = rest.get(i..i + 2) == Some(b"\r\n");
            i + 1 + usize::from(crlf)
        });
        let piece = rest.get(..line_end.min(out.len())).unwrap_or(rest);
        let counted = self.count(piece);
        let n = copy(piece, out);
        self.buffer = buffer;
        self.begin = begin + n;
        counted.map(|()| n)
    }
}
