//! One request at a time on a connection: who sends the next one before the answer to the last is
//! cut off without either (network-protocol section 14).
//!
//! Left to itself, hyper reads ahead and answers pipelined requests one after the other. So it is
//! given no byte beyond the request it is at:
//!
//! | state | what may be read |
//! |---|---|
//! | a head, or a body in chunks: either ends with a line | to the end of a line |
//! | a body of known length | no more than is left of it |
//! | the request is complete | nothing: a byte that has come ends the connection |
//!
//! The end of a body in chunks is hyper's to find, and it looks for more at once: what it was given
//! last then tells whether more had come.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncBufRead, AsyncRead, AsyncWrite, BufReader, ReadBuf, ReadHalf, WriteHalf};

/// What may be read now. Cheap to clone; all clones are one.
#[derive(Clone)]
pub(super) struct Turn(Arc<Mutex<Due>>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Due {
    /// `blank`: the last one was empty, as the last one of a head or of chunks is.
    Lines {
        blank: bool,
    },
    Bytes(u64),
}

const FIRST_LINE: Due = Due::Lines { blank: false };

/// The client did not wait for its answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a pipelined request")]
pub(super) struct Pipelined;

impl Turn {
    /// A head was read; its body has this length, or comes in chunks.
    pub(super) fn head_read(&self, body: Option<u64>) {
        self.set(body.map_or(FIRST_LINE, Due::Bytes));
    }

    /// The request is complete and waits for its answer.
    ///
    /// # Errors
    /// [`Pipelined`], if the next one has begun.
    pub(super) fn complete(&self) -> Result<(), Pipelined> {
        let read = std::mem::replace(&mut *self.due(), Due::Bytes(0));
        if read == (Due::Lines { blank: false }) { Err(Pipelined) } else { Ok(()) }
    }

    /// The answer is on its way.
    pub(super) fn answered(&self) {
        self.set(FIRST_LINE);
    }

    fn set(&self, due: Due) {
        *self.due() = due;
    }

    fn due(&self) -> MutexGuard<'_, Due> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The part of what has arrived that may be read, at most `most` bytes.
    fn admit<'a>(&self, arrived: &'a [u8], most: usize) -> io::Result<&'a [u8]> {
        let mut due = self.due();
        let allowed = match *due {
            Due::Lines { .. } => {
                arrived.iter().position(|byte| *byte == b'\n').map_or(arrived.len(), |end| end + 1)
            }
            Due::Bytes(0) if !arrived.is_empty() => {
                return Err(io::Error::new(io::ErrorKind::ConnectionAborted, Pipelined));
            }
            Due::Bytes(left) => usize::try_from(left).unwrap_or(usize::MAX),
        };
        let admitted = arrived.get(..allowed.min(most)).unwrap_or(arrived);
        match &mut *due {
            // Its two bytes may come one by one.
            Due::Lines { blank } => *blank = matches!(admitted, b"\r\n" | b"\n"),
            Due::Bytes(left) => *left = left.saturating_sub(admitted.len() as u64),
        }
        Ok(admitted)
    }
}

/// The reading side of a connection, turn by turn.
pub(super) struct Turns<S> {
    arrived: BufReader<ReadHalf<S>>,
    turn: Turn,
}

impl<S: AsyncRead + AsyncWrite> Turns<S> {
    /// Both sides of a connection that expects a request.
    pub(super) fn of(stream: S) -> (Turns<S>, WriteHalf<S>, Turn) {
        let (read, write) = tokio::io::split(stream);
        let turn = Turn(Arc::new(Mutex::new(FIRST_LINE)));
        (Turns { arrived: BufReader::new(read), turn: turn.clone() }, write, turn)
    }
}

impl<S: AsyncRead> AsyncRead for Turns<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Turns { arrived, turn } = self.get_mut();
        let mut arrived = Pin::new(arrived);
        let admitted = turn.admit(ready!(arrived.as_mut().poll_fill_buf(cx))?, into.remaining())?;
        into.put_slice(admitted);
        let read = admitted.len();
        arrived.consume(read);
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)]

    use super::*;

    fn turn() -> Turn {
        Turn(Arc::new(Mutex::new(FIRST_LINE)))
    }

    #[test]
    fn a_head_is_read_line_by_line_and_a_body_to_its_end() {
        let turn = turn();
        let mut stream = &b"POST / HTTP/1.1\r\n\r\nbodyPOST"[..];
        let mut read = |turn: &Turn, most| {
            let part = turn.admit(stream, most).unwrap();
            stream = &stream[part.len()..];
            String::from_utf8(part.to_vec()).unwrap()
        };
        assert_eq!([read(&turn, 6), read(&turn, 99), read(&turn, 99)], ["POST /", " HTTP/1.1\r\n", "\r\n"]);
        turn.head_read(Some(4));
        assert_eq!([read(&turn, 1), read(&turn, 99)], ["b", "ody"]);
        assert_eq!(turn.admit(b"POST", 99).unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
        assert_eq!(turn.admit(b"", 99).unwrap(), b"", "the end of the connection is none");
        turn.answered();
        assert_eq!(read(&turn, 99), "POST");
    }

    #[test]
    fn a_body_in_chunks_ends_with_a_blank_line_and_nothing_follows_it() {
        let turn = turn();
        turn.head_read(None);
        assert_eq!(turn.admit(b"0\r\n\r\nPOST", 99).unwrap(), b"0\r\n");
        assert_eq!(turn.admit(b"\r\nPOST", 99).unwrap(), b"\r\n");
        assert_eq!(turn.complete(), Ok(()));
        assert!(turn.admit(b"POST", 99).is_err());

        turn.head_read(None);
        for part in [&b"0\r\n"[..], b"\r", b"\n"] {
            assert_eq!(turn.admit(part, 99).unwrap(), part);
        }
        assert_eq!(turn.complete(), Ok(()));

        turn.head_read(None);
        for part in [&b"0\r\n"[..], b"\r\n", b"POST"] {
            assert_eq!(turn.admit(part, 99).unwrap(), part);
        }
        assert_eq!(turn.complete(), Err(Pipelined));
    }
}
