//! The frames of `follow`, read as the bytes come.

use super::status::StepState;

/// A log chunk longer than this is not the runner's.
const LONGEST: u64 = 1024 * 1024;
/// A head longer than this is not the runner's.
const LONGEST_HEAD: usize = 200;

/// How a step that was followed ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// Its state.
    pub state: EndState,
    /// Its exit code, where it has one.
    pub code: Option<i32>,
    /// How long it took, in seconds.
    pub seconds: u64,
}

/// The state that a step ended in; never [`StepState::Running`] or [`StepState::Stored`].
pub type EndState = StepState;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// The host is alive.
    Beat,
    /// A part of the log.
    Log {
        /// Where it begins, in bytes.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// The step is over.
    End(End),
    /// The runner refuses: its own words.
    Refused(String),
}

/// Bytes that are no frames.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the host answered something that is not the runner's: {0:?}")]
pub struct FrameError(pub String);

/// Reads frames out of bytes that come in any portions.
#[derive(Debug, Default)]
pub struct Frames {
    buffer: Vec<u8>,
}

impl Frames {
    /// Takes more bytes and returns the frames that are whole now.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<Vec<Frame>, FrameError> {
        self.buffer.extend_from_slice(bytes);
        let mut frames = Vec::new();
        let mut at = 0;
        while let Some((frame, length)) = first(&self.buffer[at..])? {
            frames.extend(frame);
            at += length;
        }
        self.buffer.drain(..at);
        Ok(frames)
    }
}

/// The first frame of `bytes` and its length; an empty line is a length without a frame.
fn first(bytes: &[u8]) -> Result<Option<(Option<Frame>, usize)>, FrameError> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n') else {
        return if bytes.len() > LONGEST_HEAD {
            Err(strange(bytes))
        } else {
            Ok(None)
        };
    };
    let head = std::str::from_utf8(&bytes[..end]).map_err(|_| strange(bytes))?;
    let after = end + 1;
    let (mark, rest) = head.split_once(' ').unwrap_or((head, ""));
    Ok(match mark {
        "" if rest.is_empty() => Some((None, after)),
        "." => Some((Some(Frame::Beat), after)),
        "=" => {
            let (offset, length): (u64, u64) = rest
                .split_once(' ')
                .and_then(|(offset, length)| Some((offset.parse().ok()?, length.parse().ok()?)))
                .filter(|(_, length)| *length <= LONGEST)
                .ok_or_else(|| strange(bytes))?;
            // At most a mebibyte, so it fits.
            let end = after + usize::try_from(length).unwrap_or(usize::MAX);
            // The newline behind the chunk is read as an empty line.
            bytes.get(after..end).map(|chunk| {
                let bytes = chunk.to_vec();
                (Some(Frame::Log { offset, bytes }), end)
            })
        }
        "!" => Some((
            Some(Frame::End(ending(rest).ok_or_else(|| strange(bytes))?)),
            after,
        )),
        "error" => Some((Some(Frame::Refused(rest.to_owned())), after)),
        _ => return Err(strange(bytes)),
    })
}

fn ending(rest: &str) -> Option<End> {
    let mut words = rest.split(' ');
    let state = StepState::parse(words.next()?)?;
    let mut end = End {
        state,
        code: None,
        seconds: 0,
    };
    for word in words {
        match word.split_once('=') {
            Some(("rc", value)) => end.code = value.parse().ok(),
            Some(("seconds", value)) => end.seconds = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    (!matches!(state, StepState::Running | StepState::Stored)).then_some(end)
}

fn strange(bytes: &[u8]) -> FrameError {
    let shown = String::from_utf8_lossy(&bytes[..bytes.len().min(80)]);
    FrameError(shown.lines().next().unwrap_or_default().to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STREAM: &[u8] = b". 1\n= 0 6\nhello\n\n= 6 3\na\xff\n\n. 2\n! done rc=0 seconds=12\n";

    fn expected() -> Vec<Frame> {
        let log = |offset, bytes: &[u8]| Frame::Log {
            offset,
            bytes: bytes.to_vec(),
        };
        vec![
            Frame::Beat,
            log(0, b"hello\n"),
            log(6, b"a\xff\n"),
            Frame::Beat,
            Frame::End(End {
                state: StepState::Done,
                code: Some(0),
                seconds: 12,
            }),
        ]
    }

    proptest! {
        #[test]
        fn frames_do_not_depend_on_portions(cuts in proptest::collection::vec(0..STREAM.len(), 0..12)) {
            let mut cuts = cuts;
            cuts.sort_unstable();
            cuts.push(STREAM.len());
            let mut frames = Frames::default();
            let mut got = Vec::new();
            let mut from = 0;
            for cut in cuts {
                got.extend(frames.feed(&STREAM[from..cut]).expect("frames"));
                from = cut;
            }
            prop_assert_eq!(got, expected());
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = Frames::default().feed(&bytes);
        }
    }

    #[test]
    fn what_is_not_the_runners_is_refused() {
        for bad in [
            &b"bash: runner: No such file\n"[..],
            b"= 0 99999999999\n",
            b"= x 1\n",
            b"! running rc= seconds=0\n",
            b"! \n",
            b"\xff\xfe\n",
            &[b'x'; 300],
        ] {
            assert!(
                Frames::default().feed(bad).is_err(),
                "{}",
                String::from_utf8_lossy(bad)
            );
        }
        let refused = Frames::default()
            .feed(b"error unknown base\n")
            .expect("a frame");
        assert_eq!(refused, [Frame::Refused("unknown base".to_owned())]);
    }
}
