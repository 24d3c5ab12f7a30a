//! Client languages: what each needs from the machine, and how its clients get into `target/clients` once.

use crate::lock::FileLock;
use crate::{process, workspace};
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

/// Downloads from the registries, and the compilation of a Go program with its modules.
const SET_UP_LIMIT: Duration = Duration::from_secs(600);

/// A language with stock clients that are tested.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// confluent-kafka.
    Python,
    /// Apache Kafka's own client, its tools, and Apache Kafka itself.
    Java,
    /// franz-go.
    Go,
    /// kafkajs.
    Node,
}

impl Language {
    /// The name of its folders below `protocol-tests/clients` and `target/clients`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Java => "java",
            Self::Go => "go",
            Self::Node => "node",
        }
    }

    /// The commands it needs, each with the argument that makes it end at once.
    fn needs(self) -> &'static [(&'static str, &'static str)] {
        match self {
            Self::Python => &[("python3", "--version")],
            Self::Java => &[("java", "-version"), ("javac", "-version"), ("mvn", "--version")],
            Self::Go => &[("go", "version")],
            Self::Node => &[("node", "--version"), ("npm", "--version")],
        }
    }

    /// The commands that this machine lacks.
    pub fn missing(self) -> Vec<&'static str> {
        let runs = |&(command, argument): &(&'static str, &str)| {
            let status = Command::new(command)
                .arg(argument)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            (!status.is_ok_and(|status| status.success())).then_some(command)
        };
        self.needs().iter().filter_map(runs).collect()
    }

    /// The folder with its checks.
    pub fn sources(self) -> PathBuf {
        workspace::root().join("protocol-tests").join("clients").join(self.name())
    }
}

/// Installs the clients of a language and compiles its checks, unless that was done before for the same files.
/// Answers the folder below `target/clients` where they are.
///
/// # Errors
/// The command that failed, with what it said.
pub fn set_up(language: Language) -> Result<PathBuf, String> {
    let missing = language.missing();
    if !missing.is_empty() {
        return Err(format!("{} needs {} on this machine", language.name(), missing.join(", ")));
    }
    let clients = workspace::target_subdir("clients");
    let home = clients.join(language.name());
    let _one_at_a_time = FileLock::acquire(&clients.join(format!("{}.lock", language.name())));
    let marker = home.join(".installed");
    let sources = fingerprint(&language.sources())?;
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == sources) {
        return Ok(home);
    }
    let _ = fs::remove_file(&marker);
    fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    install(language, &home)?;
    fs::write(&marker, sources).map_err(|e| format!("{}: {e}", marker.display()))?;
    Ok(home)
}

/// A number that changes when a file of the folder does.
fn fingerprint(folder: &Path) -> Result<String, String> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .map_err(|e| format!("{}: {e}", folder.display()))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths.iter().filter(|path| path.is_file()) {
        path.file_name().hash(&mut hasher);
        fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

fn install(language: Language, home: &Path) -> Result<(), String> {
    let sources = language.sources();
    let run = |program: &str, arguments: &[&str], directory: &Path| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory);
        process::run(command, "", SET_UP_LIMIT).map(drop)
    };
    let path = |parts: &[&str]| parts.iter().fold(home.to_path_buf(), |at, part| at.join(part)).display().to_string();
    match language {
        Language::Python => {
            let requirements = sources.join("requirements.txt").display().to_string();
            run("python3", &["-m", "venv", &path(&[])], &sources)?;
            run(
                &path(&["bin", "python"]),
                &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &requirements],
                &sources,
            )
        }
        Language::Java => {
            const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
            // Jars of a version that the pom no longer names must not stay on the class path.
            let _ = fs::remove_dir_all(home.join("lib"));
            let into = format!("-DoutputDirectory={}", path(&["lib"]));
            run("mvn", &["--batch-mode", "--quiet", COPY, &into, "-DincludeScope=runtime"], &sources)?;
            let jars = path(&["lib", "*"]);
            run("javac", &["-d", &path(&["classes"]), "-cp", &jars, "Checks.java"], &sources)
        }
        Language::Go => run("go", &["build", "-o", &path(&["checks"]), "."], &sources),
        Language::Node => {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), home.join(file)).map_err(|e| format!("{file}: {e}"))?;
            }
            run("npm", &["ci", "--silent", "--no-audit", "--no-fund"], home)
        }
    }
}

/// The command that runs the checks of a language against a broker, after [`set_up`].
pub fn checks(language: Language, home: &Path, bootstrap: &str) -> Command {
    let sources = language.sources();
    let mut command = match language {
        Language::Python => {
            let mut python = Command::new(home.join("bin").join("python"));
            python.arg(sources.join("checks.py"));
            python
        }
        Language::Java => {
            let mut java = Command::new("java");
            java.args(["-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp"]);
            java.arg(format!("{0}/classes:{0}/lib/*", home.display())).arg("Checks");
            java
        }
        Language::Go => Command::new(home.join("checks")),
        Language::Node => {
            let mut node = Command::new("node");
            node.env("NODE_PATH", home.join("node_modules"))
                .env("KAFKAJS_NO_PARTITIONER_WARNING", "1")
                .arg(sources.join("checks.js"));
            node
        }
    };
    command.arg(bootstrap);
    command
}
