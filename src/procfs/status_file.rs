//! Status file that stays open for repeated reading.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{ProcReadError, ProcRoot, ProcStatus};

/// The open status file of a process. It always refers to this process: after the
/// process was reaped, reading fails, even if the PID was reused.
#[derive(Debug)]
pub struct StatusFile {
    file: File,
    buffer: Vec<u8>,
    /// The text of the last read.
    last_text: Vec<u8>,
}

impl StatusFile {
    /// Opens the status file of a process.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn open(root: &ProcRoot, pid: u32) -> Result<StatusFile, ProcReadError> {
        let file = File::open(root.directory().join(format!("{pid}/status")))?;
        Ok(StatusFile { file, buffer: vec![0; 4096], last_text: Vec::new() })
    }

    /// Reads the current status with one system call if the buffer is large
    /// enough. Returns `None` if the text has not changed.
    ///
    /// # Errors
    /// See [`ProcReadError`].
    pub fn read_if_changed(&mut self) -> Result<Option<ProcStatus>, ProcReadError> {
        loop {
            let length = self.file.read_at(&mut self.buffer, 0)?;
            if length == self.buffer.len() {
                // The text did not fit (a long list of groups). It is read again
                // from the start, because it must be consistent.
                self.buffer.resize(length * 2, 0);
                continue;
            }
            let text = &self.buffer[..length];
            if text == self.last_text {
                return Ok(None);
            }
            self.last_text.clear();
            self.last_text.extend_from_slice(text);
            return ProcStatus::parse(text).map(Some).map_err(ProcReadError::Malformed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rereads_status_until_process_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let mut status_file = StatusFile::open(&ProcRoot::default(), child.id()).unwrap();
        assert_eq!(status_file.read_if_changed().unwrap().unwrap().tgid, Some(child.id()));
        assert!(status_file.read_if_changed().unwrap().is_none_or(|status| status.tgid == Some(child.id())));
        child.kill().and_then(|()| child.wait()).unwrap();
        assert!(matches!(status_file.read_if_changed(), Err(ProcReadError::Gone)));
        assert!(matches!(StatusFile::open(&ProcRoot::default(), 4_194_305), Err(ProcReadError::Gone)));
    }

    #[test]
    fn reads_status_longer_than_buffer() {
        let directory = std::env::temp_dir().join(format!("sigtool-status-file-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("1")).unwrap();
        let text = format!("Groups:\t{}\nSigBlk:\t0000000000000001\n", "1000 ".repeat(5000));
        std::fs::write(directory.join("1/status"), text).unwrap();
        let status = StatusFile::open(&ProcRoot::new(&directory), 1)
            .and_then(|mut status_file| status_file.read_if_changed());
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(status.unwrap().unwrap().blocked.map(|set| set.bits()), Some(1));
    }
}
