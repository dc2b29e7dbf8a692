//! Brings a step's programs to its host, in pieces: a connection that is cut costs the piece that was under way, and a host
//! that has the file already is sent nothing.

use std::time::Duration;

use super::answers::{answered, strange};
use super::cut::Cut;
use super::tend::Tender;
use crate::event::HostNews;
use crate::host::{Arrived, Command, HostFile};
use crate::port::HostLink;

/// Small, so that a host that has fallen silent is noticed soon: the runner takes pieces of four times this size.
const PIECE: usize = 256 * 1024;
/// For a piece to arrive: 10 KB in a second.
const FOR_A_PIECE: Duration = Duration::from_secs(28);
/// How often it may begin anew because what arrived was not what was sent.
const ANEW: u32 = 2;

impl Tender<'_> {
    /// Brings what a step installs on a processor such as this host's. Returns early if the user asks to stop.
    pub(super) async fn bring(&mut self, link: &mut dyn HostLink, at: usize) -> Result<(), Cut> {
        let files = &self.step(at).files;
        let arch = self.facts.get("arch");
        let Some(file) = files.iter().find(|file| file.arch.uname() == arch) else {
            // The step says what is missing.
            return Ok(());
        };
        let ask = Command::File {
            digest: &file.digest,
        };
        let said = self.ask(link, &ask).await?;
        let mut arrived = Arrived::parse(&said, &file.digest).ok_or_else(|| strange(&said))?;
        let mut anew = 0;
        while let Arrived::Part(offset) = arrived {
            if self.stop.is_asked() {
                return Ok(());
            }
            self.tell(HostNews::Sending {
                step: self.step(at).name().to_owned(),
                sent: offset,
                of: size(&file.bytes),
            });
            let said = self.send(link, file, offset).await?;
            if said.starts_with("error digest") && anew < ANEW {
                anew += 1;
                arrived = Arrived::Part(0);
                continue;
            }
            let said = answered(said.as_bytes())?;
            self.reached = self.tending.clock.now();
            arrived = Arrived::parse(&said, &file.digest).ok_or_else(|| strange(&said))?;
            // Somebody else may be bringing it too; what does not move is cut off by them or by a full disk.
            if arrived == Arrived::Part(offset) {
                anew += 1;
                if anew > ANEW {
                    return Err(strange("a piece of a file does not arrive"));
                }
            }
        }
        Ok(())
    }

    async fn send(
        &self,
        link: &mut dyn HostLink,
        file: &HostFile,
        offset: u64,
    ) -> Result<String, Cut> {
        // More than there is: somebody has left another file under this name. An empty piece finds that out.
        let all = file.bytes.as_ref();
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(all.len());
        let piece = &all[from..all.len().min(from + PIECE)];
        let take = Command::Take {
            digest: &file.digest,
            size: size(all),
            offset: size(&all[..from]),
            length: size(piece),
        };
        let line = self.runner.line(&take);
        let answer = link.run(&line, piece, FOR_A_PIECE).await?;
        Ok(String::from_utf8_lossy(&answer).into_owned())
    }
}

fn size(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}
