//! A program that runs on a host, with everything that it starts.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use anyhow::Context;
use rustix::process::Signal;
use serde::{Deserialize, Serialize};

use super::process::{self, Process};

/// The variable by which the lab's processes are known; its value is the lab's identity.
pub(crate) const MARK: &str = "UNDERTONE_LAB";

/// The variable by which one job's processes are known, also those that have left its session.
const JOB_MARK: &str = "UNDERTONE_JOB";

/// Where the lab's programs look for others.
pub(crate) const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// How long a job may take to end when it is asked to.
const GRACE: Duration = Duration::from_secs(3);

/// How often a job is searched for processes that have to end.
const ROUNDS: usize = 3;

/// How often a job is looked at while somebody waits for it.
const TICK: Duration = Duration::from_millis(20);

/// What to run on a host.
#[derive(Debug, Clone, Default)]
pub(crate) struct Program {
    /// What it is called in `status` and in the state folder.
    pub(crate) name: String,
    /// What the shell is given.
    pub(crate) shell: String,
    /// Its environment, but for `PATH`, `HOME` (the folder) and `LANG`, which it has anyway.
    pub(crate) environment: BTreeMap<String, String>,
    /// Where it starts; made if absent.
    pub(crate) folder: PathBuf,
    /// What it says is added to this file.
    pub(crate) log: PathBuf,
    /// After this long it is ended.
    pub(crate) timeout: Option<Duration>,
    /// Who it runs as, if not root.
    pub(crate) user: Option<String>,
}

/// What the state folder knows of a job.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Record {
    /// Its first process, which leads a session of its own.
    pub(crate) process: Process,
    /// What it is called.
    pub(crate) name: String,
    /// The host that it runs on.
    pub(crate) host: String,
}

/// A program that runs on a host; dropped, it is stopped.
#[derive(Debug)]
pub(crate) struct Job {
    child: Child,
    process: Process,
    record: PathBuf,
    mark: String,
    is_left_alone: bool,
}

impl Job {
    /// Starts a program in a namespace, and writes it down in the folder of records.
    pub(super) fn start(
        program: &Program,
        host: &str,
        namespace: Option<&str>,
        identity: &str,
        records: &Path,
    ) -> anyhow::Result<Self> {
        let name = &program.name;
        fs::create_dir_all(&program.folder)
            .with_context(|| format!("cannot make `{}`", program.folder.display()))?;
        let log = open_log(&program.log)?;
        let mark = next_mark(identity);
        let mut child = command(program, namespace, identity)
            .env(JOB_MARK, &mark)
            .stdin(Stdio::null())
            .stderr(log.try_clone()?)
            .stdout(log)
            .spawn()
            .with_context(|| format!("cannot start `{name}` on `{host}`"))?;
        let pid = child.id();
        // It is not collected yet, so its entry exists even if it has ended.
        let Some(process) = Process::of(pid) else {
            let _ = child.kill();
            anyhow::bail!("`{name}` on `{host}` vanished as it started");
        };
        let record = records.join(format!("{pid}.json"));
        let job = Self {
            child,
            process,
            record,
            mark,
            is_left_alone: false,
        };
        let entry = Record {
            process,
            name: name.clone(),
            host: host.to_owned(),
        };
        fs::write(&job.record, serde_json::to_vec(&entry)?)
            .with_context(|| format!("cannot write `{}`", job.record.display()))?;
        Ok(job)
    }

    /// The number of its first process, and of its session.
    pub(crate) fn id(&self) -> u32 {
        self.process.pid
    }

    /// Whether its first process still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its first process to end, at most so long; `None` if it still runs.
    pub(crate) fn wait(&mut self, limit: Duration) -> Option<ExitStatus> {
        let begun = Instant::now();
        loop {
            match self.child.try_wait() {
                Ok(None) if begun.elapsed() < limit => thread::sleep(TICK),
                Ok(ended) => return ended,
                Err(_) => return None,
            }
        }
    }

    /// Ends it and everything that it started.
    pub(crate) fn stop(mut self) {
        self.end();
    }

    /// Lets it run on after this program has ended, until `down`.
    pub(crate) fn leave(mut self) {
        self.is_left_alone = true;
    }

    fn end(&mut self) {
        // What is started while the others end is found the next time.
        for _ in 0..ROUNDS {
            let mut members = self.process.session();
            members.extend(process::with_variable(JOB_MARK, &self.mark));
            members.sort_unstable();
            members.dedup();
            if members.is_empty() {
                break;
            }
            end(&members, &mut || {
                let _ = self.child.try_wait();
            });
        }
        let _ = self.child.wait();
        let _ = fs::remove_file(&self.record);
        self.is_left_alone = true;
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        if !self.is_left_alone {
            self.end();
        }
    }
}

impl Record {
    /// The jobs that are written down in a folder; those that make no sense are left out.
    pub(crate) fn all(records: &Path) -> Vec<Self> {
        let entries = fs::read_dir(records).into_iter().flatten();
        entries
            .filter_map(|entry| serde_json::from_slice(&fs::read(entry.ok()?.path()).ok()?).ok())
            .collect()
    }
}

/// Asks processes to end, waits a while, and makes those that did not.
pub(super) fn end(processes: &[Process], collect: &mut dyn FnMut()) {
    for process in processes {
        process.signal(Signal::TERM);
    }
    let begun = Instant::now();
    while begun.elapsed() < GRACE {
        collect();
        if !processes.iter().any(|process| process.is_running()) {
            return;
        }
        thread::sleep(TICK);
    }
    for process in processes {
        process.signal(Signal::KILL);
    }
}

/// What no other job has in its environment.
fn next_mark(identity: &str) -> String {
    static NUMBER: AtomicU64 = AtomicU64::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    format!("{identity}-{}-{number}", std::process::id())
}

fn open_log(path: &Path) -> anyhow::Result<fs::File> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot write `{}`", path.display()))
}

/// The command that runs a program in a session of its own, so that all of it can be found again.
fn command(program: &Program, namespace: Option<&str>, identity: &str) -> Command {
    let mut command = Command::new("setsid");
    if let Some(namespace) = namespace {
        command.args(["ip", "netns", "exec", namespace]);
    }
    if let Some(timeout) = program.timeout {
        let seconds = format!("{:.1}", timeout.as_secs_f64());
        command.args(["timeout", "-k", "2", &seconds]);
    }
    if let Some(user) = &program.user {
        command.args(["setpriv", "--init-groups", "--reuid", user, "--regid", user]);
        command.arg("--");
    }
    command
        .args(["sh", "-c", &program.shell])
        .current_dir(&program.folder)
        .env_clear()
        .env("PATH", PATH)
        .env("LANG", "C.UTF-8")
        .env("HOME", &program.folder)
        .envs(&program.environment)
        .env(MARK, identity);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stopped_job_leaves_neither_children_nor_those_that_left_its_session() {
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            name: "family".to_owned(),
            shell: "sleep 1234.5 & setsid sleep 1234.5 & echo started; wait".to_owned(),
            folder: folder.path().join("work"),
            log: folder.path().join("log"),
            ..Program::default()
        };
        let mut job = Job::start(&program, "here", None, "0badcafe", folder.path()).unwrap();
        let mark = job.mark.clone();
        let members = || process::with_variable(JOB_MARK, &mark).len();
        let grown = (0..200).any(|_| {
            thread::sleep(TICK);
            members() == 3
        });
        assert!(grown, "{}", members());
        assert!(job.is_running());
        assert_eq!(Record::all(folder.path()).len(), 1);
        job.stop();
        assert_eq!(members(), 0);
        assert_eq!(Record::all(folder.path()).len(), 0);
    }

    #[test]
    fn a_program_has_its_own_environment_folder_and_time() {
        let folder = tempfile::tempdir().unwrap();
        let program = Program {
            name: "says".to_owned(),
            shell: "echo \"$HOME $WHAT\"; pwd; exec sleep 1234.5".to_owned(),
            environment: BTreeMap::from([("WHAT".to_owned(), "this".to_owned())]),
            folder: folder.path().join("work"),
            log: folder.path().join("log"),
            timeout: Some(Duration::from_millis(300)),
            user: None,
        };
        let mut job = Job::start(&program, "here", None, "0badcafe", folder.path()).unwrap();
        let status = job.wait(Duration::from_secs(20)).unwrap();
        // What `timeout` says of a program that it has ended.
        assert_eq!(status.code(), Some(124));
        let work = program.folder.display();
        let said = fs::read_to_string(&program.log).unwrap();
        assert_eq!(said, format!("{work} this\n{work}\n"));
    }
}
