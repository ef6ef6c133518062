//! A relay: a pipe that is read on a thread of its own, so that whoever waits for it can be stopped.

use std::{
    io::{self, ErrorKind, Read},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, RecvTimeoutError, sync_channel},
    },
    thread,
    time::Duration,
};

/// How long to wait before looking whether to stop.
const INTERVAL: Duration = Duration::from_millis(50);

/// Parts that may wait.
const PARTS: usize = 16;

/// The longest part, in bytes.
const LONGEST: usize = 64 << 10;

/// What a pipe gives, until its end or until it is stopped.
pub(super) struct Relay {
    parts: Receiver<io::Result<Vec<u8>>>,
    part: Vec<u8>,
    taken: usize,
    stop: Arc<AtomicBool>,
}

impl Relay {
    /// Reads that pipe until `stop` is set; the thread that waits for the pipe ends with the program.
    pub(super) fn of(mut pipe: impl Read + Send + 'static, stop: Arc<AtomicBool>) -> Self {
        let (sender, parts) = sync_channel(PARTS);
        thread::spawn(move || {
            let mut buffer = vec![0; LONGEST];
            loop {
                let read = pipe.read(&mut buffer);
                if matches!(&read, Err(error) if error.kind() == ErrorKind::Interrupted) {
                    continue;
                }
                let is_last = !matches!(read, Ok(1..));
                let part = read.map(|count| buffer[..count].to_vec());
                if sender.send(part).is_err() || is_last {
                    return;
                }
            }
        });
        Self {
            parts,
            part: Vec::new(),
            taken: 0,
            stop,
        }
    }
}

impl Read for Relay {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.part.len() {
            match self.parts.recv_timeout(INTERVAL) {
                Ok(part) => {
                    self.part = part?;
                    self.taken = 0;
                    if self.part.is_empty() {
                        return Ok(0);
                    }
                }
                Err(RecvTimeoutError::Timeout) if !self.stop.load(Relaxed) => {}
                Err(_) => return Ok(0),
            }
        }
        let rest = &self.part[self.taken..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.taken += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// A pipe that nobody writes to any more, nor closes.
    struct Stalled(Option<&'static [u8]>, Receiver<()>);

    impl Read for Stalled {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            if let Some(mut bytes) = self.0.take() {
                return bytes.read(buffer);
            }
            let _ = self.1.recv();
            Ok(0)
        }
    }

    #[test]
    fn what_comes_by_pipe_is_passed_on_to_its_end() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|number| number as u8).collect();
        let pipe = io::Cursor::new(bytes.clone());
        let mut read = Vec::new();
        Relay::of(pipe, Arc::default())
            .read_to_end(&mut read)
            .unwrap();
        assert_eq!(read, bytes);
    }

    #[test]
    fn a_pipe_that_stands_still_can_be_stopped() {
        let (_open, closed) = channel();
        let stop = Arc::new(AtomicBool::new(false));
        let mut relay = Relay::of(Stalled(Some(b"abc"), closed), Arc::clone(&stop));
        let mut buffer = [0; 10];
        assert_eq!(relay.read(&mut buffer).unwrap(), 3);
        stop.store(true, Relaxed);
        assert_eq!(relay.read(&mut buffer).unwrap(), 0);
    }
}
