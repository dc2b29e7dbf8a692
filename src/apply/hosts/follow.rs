//! Following a step's log from where it is known, until the step is over or the connection is lost.

use super::cut::Cut;
use super::tend::Tender;
use crate::event::HostNews;
use crate::host::{Command, End, Frame, Frames, HostEnd, TAIL};
use crate::port::{Flow, HostError, HostErrorKind, HostLink};

/// A line of a log that is longer is cut for the tail; the log itself is whole.
const LONGEST_LINE: usize = 400;

impl Tender<'_> {
    /// Follows a step to its end.
    pub(super) async fn follow(
        &mut self,
        link: &mut dyn HostLink,
        at: usize,
        resumed: bool,
    ) -> Result<(), Cut> {
        let step = self.step(at);
        self.watching = self.tending.clock.now();
        self.tell(HostNews::StepBegun {
            step: step.name().to_owned(),
            position: at + 1,
            of: self.job.wanted.steps.len(),
            resumed,
        });
        let known = self.known.get(step.digest()).copied().unwrap_or(0);
        let follow = Command::Follow {
            step: step.name(),
            digest: step.digest(),
            offset: known,
        };
        let line = self.runner.line(&follow);
        let (stop, silence) = (self.stop, self.tending.silence);
        let mut reader = Reader {
            tender: self,
            at,
            known,
            frames: Frames::default(),
            partial: Vec::new(),
            end: None,
            wrong: None,
        };
        let mut taken = |bytes: &[u8]| reader.take(bytes);
        let result = tokio::select! {
            result = link.stream(&line, silence, &mut taken) => result,
            () = stop.asked() => {
                let step = Some(step.name().to_owned());
                return Err(Cut::Over(HostEnd::Interrupted { step }));
            }
        };
        let (end, wrong, known) = (reader.end, reader.wrong.take(), reader.known);
        self.known.insert(step.digest().to_owned(), known);
        match (end, wrong) {
            (Some(end), _) => self.ended(at, end),
            (None, Some(wrong)) => Err(Cut::Over(wrong)),
            (None, None) => {
                result?;
                Err(Cut::Link(HostError::new(
                    HostErrorKind::Unreachable,
                    "the log was cut",
                )))
            }
        }
    }
}

/// Turns frames into news.
struct Reader<'a, 'b> {
    tender: &'a mut Tender<'b>,
    at: usize,
    known: u64,
    frames: Frames,
    /// The beginning of a line whose end has not come yet.
    partial: Vec<u8>,
    end: Option<End>,
    wrong: Option<HostEnd>,
}

impl Reader<'_, '_> {
    fn take(&mut self, bytes: &[u8]) -> Flow {
        // A step may take longer than a host that is out of reach is waited for.
        self.tender.reached = self.tender.tending.clock.now();
        match self.frames.feed(bytes) {
            Ok(frames) => {
                for frame in frames {
                    self.frame(frame);
                }
            }
            Err(error) => self.wrong = Some(HostEnd::Strange(error.to_string())),
        }
        if self.end.is_some() || self.wrong.is_some() {
            Flow::Enough
        } else {
            Flow::More
        }
    }

    fn frame(&mut self, frame: Frame) {
        match frame {
            Frame::Beat => {}
            Frame::Log { offset, bytes } => {
                self.known = offset + u64::try_from(bytes.len()).unwrap_or(0);
                self.lines(&bytes);
                self.tender.tell(HostNews::Log {
                    step: self.tender.step(self.at).name().to_owned(),
                    offset,
                    bytes,
                });
            }
            Frame::End(end) => self.end = Some(end),
            Frame::Refused(said) => {
                self.wrong = Some(HostEnd::Strange(format!("the runner refuses: {said}")));
            }
        }
    }

    fn lines(&mut self, bytes: &[u8]) {
        self.partial.extend_from_slice(bytes);
        while let Some(end) = self.partial.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.partial.drain(..=end).collect();
            let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST_LINE)]);
            let text = text.trim_end();
            if text.is_empty() {
                continue;
            }
            let tail = &mut self.tender.tail;
            tail.push(text.to_owned());
            if tail.len() > TAIL {
                tail.remove(0);
            }
        }
    }
}
