//! A status file that is kept open, for whoever reads it again and again.

use std::fs::File;
use std::os::unix::fs::FileExt;

use super::{ReadError, Root, Status};

/// The open status of a process. It is this process's for ever: what is read
/// once it has been reaped is an error, also where its number is another's.
#[derive(Debug)]
pub struct KeptStatus {
    file: File,
    buffer: Vec<u8>,
    /// What it said last.
    last: Vec<u8>,
}

impl KeptStatus {
    /// Opens the status of a process.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn open(root: &Root, pid: u32) -> Result<KeptStatus, ReadError> {
        let file = File::open(root.directory().join(format!("{pid}/status")))?;
        Ok(KeptStatus { file, buffer: vec![0; 4096], last: Vec::new() })
    }

    /// Reads it as it is now: with one system call, where the buffer is large
    /// enough for all of it. `None` where not a byte of it has changed.
    ///
    /// # Errors
    /// See [`ReadError`].
    pub fn read(&mut self) -> Result<Option<Status>, ReadError> {
        loop {
            let length = self.file.read_at(&mut self.buffer, 0)?;
            if length == self.buffer.len() {
                // A long list of groups: all of it anew, so that it is of one time.
                self.buffer.resize(length * 2, 0);
                continue;
            }
            let text = &self.buffer[..length];
            if text == self.last {
                return Ok(None);
            }
            self.last.clear();
            self.last.extend_from_slice(text);
            return Status::parse(text).map(Some).map_err(ReadError::Malformed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_again_and_again_until_its_process_is_gone() {
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let mut kept = KeptStatus::open(&Root::default(), child.id()).unwrap();
        assert_eq!(kept.read().unwrap().unwrap().tgid, Some(child.id()));
        assert!(kept.read().unwrap().is_none_or(|status| status.tgid == Some(child.id())));
        child.kill().and_then(|()| child.wait()).unwrap();
        assert!(matches!(kept.read(), Err(ReadError::Gone)));
        assert!(matches!(KeptStatus::open(&Root::default(), 4_194_305), Err(ReadError::Gone)));
    }

    #[test]
    fn a_long_one_is_read_whole() {
        let directory = std::env::temp_dir().join(format!("sigtool-kept-{}", std::process::id()));
        std::fs::create_dir_all(directory.join("1")).unwrap();
        let text = format!("Groups:\t{}\nSigBlk:\t0000000000000001\n", "1000 ".repeat(5000));
        std::fs::write(directory.join("1/status"), text).unwrap();
        let status = KeptStatus::open(&Root::at(&directory), 1).and_then(|mut kept| kept.read());
        std::fs::remove_dir_all(&directory).unwrap();
        assert_eq!(status.unwrap().unwrap().blocked.map(|set| set.bits()), Some(1));
    }
}
