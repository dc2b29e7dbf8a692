//! Files that a step takes to its host beside its script: programs, one for each kind of processor.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::model::hex;

/// What a host's processor understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Arch {
    /// Intel and AMD.
    X86_64,
    /// Arm, 64 bits: Graviton, Jetson, Raspberry Pi.
    Aarch64,
}

impl Arch {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::X86_64, Self::Aarch64];

    /// As `uname -m` names it.
    pub const fn uname(self) -> &'static str {
        match self {
            Self::X86_64 => "x86_64",
            Self::Aarch64 => "aarch64",
        }
    }

    /// From AWS's name of it.
    pub fn of_aws(name: &str) -> Self {
        if name == "arm64" {
            Self::Aarch64
        } else {
            Self::X86_64
        }
    }

    /// What a program's first bytes say that it is made for: its ELF header. Nothing for what is no such program.
    pub fn of_program(bytes: &[u8]) -> Option<Self> {
        // The class says 64 bits, the next byte that the low byte comes first; the machine is at 18.
        let header = bytes.get(..20)?;
        if header[..6] != [0x7f, b'E', b'L', b'F', 2, 1] {
            return None;
        }
        match u16::from_le_bytes([header[18], header[19]]) {
            62 => Some(Self::X86_64),
            183 => Some(Self::Aarch64),
            _ => None,
        }
    }
}

/// A program for hosts with one kind of processor.
#[derive(Clone, PartialEq, Eq)]
pub struct HostFile {
    /// For which.
    pub arch: Arch,
    /// SHA-256 of its bytes, in hexadecimal.
    pub digest: String,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
}

impl HostFile {
    /// A file of these bytes.
    pub fn new(arch: Arch, bytes: Vec<u8>) -> Self {
        Self {
            arch,
            digest: hex(Sha256::digest(&bytes)),
            bytes: bytes.into(),
        }
    }
}

impl fmt::Debug for HostFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostFile")
            .field("arch", &self.arch)
            .field("digest", &self.digest)
            .field("size", &self.bytes.len())
            .finish()
    }
}

/// What a host says of a file that it is to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrived {
    /// It is there, whole and of the right digest.
    Whole,
    /// So many bytes of it are there.
    Part(u64),
}

impl Arrived {
    /// Reads the runner's answer to `file` and `take`.
    pub fn parse(answer: &str, digest: &str) -> Option<Self> {
        let mut words = answer.lines().next()?.split(' ');
        match (words.next()?, words.next()?, words.next()) {
            ("have", found, None) if found == digest => Some(Self::Whole),
            ("part", found, Some(bytes)) if found == digest => bytes.parse().ok().map(Self::Part),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elf(class: u8, order: u8, machine: u16) -> Vec<u8> {
        let mut bytes = vec![0x7f, b'E', b'L', b'F', class, order];
        bytes.resize(18, 0);
        bytes.extend(machine.to_le_bytes());
        bytes
    }

    #[test]
    fn what_a_program_is_made_for() {
        for (bytes, expected) in [
            (elf(2, 1, 62), Some(Arch::X86_64)),
            (elf(2, 1, 183), Some(Arch::Aarch64)),
            // RISC-V, 32 bits, the high byte first, cut off, a script.
            (elf(2, 1, 243), None),
            (elf(1, 1, 62), None),
            (elf(2, 2, 62), None),
            (elf(2, 1, 62)[..19].to_vec(), None),
            (b"#!/bin/sh\necho this is no program\n".to_vec(), None),
        ] {
            assert_eq!(Arch::of_program(&bytes), expected, "{bytes:?}");
        }
        let own = std::fs::read("/proc/self/exe").expect("this test");
        let here = Arch::of_program(&own).expect("a program");
        assert_eq!(here.uname(), std::env::consts::ARCH);
        assert_eq!(Arch::of_aws("arm64").uname(), "aarch64");
    }

    #[test]
    fn answers_about_another_file_are_none() {
        for (answer, expected) in [
            ("have d1\n", Some(Arrived::Whole)),
            ("part d1 1048576\n", Some(Arrived::Part(1_048_576))),
            ("have d2\n", None),
            ("part d1\n", None),
            ("part d1 -1\n", None),
            ("error no-space x\n", None),
            ("", None),
        ] {
            assert_eq!(Arrived::parse(answer, "d1"), expected, "{answer}");
        }
    }

    #[test]
    fn it_is_known_by_its_bytes_and_never_shown_whole() {
        let file = HostFile::new(Arch::X86_64, vec![7; 100_000]);
        assert_ne!(file.digest, HostFile::new(Arch::X86_64, vec![8]).digest);
        assert!(format!("{file:?}").len() < 200);
    }
}
