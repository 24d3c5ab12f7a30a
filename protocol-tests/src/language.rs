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
    /// confluent-kafka, kafka-python, aiokafka.
    Python,
    /// Apache Kafka's own client and what is made on it, its tools, and Apache Kafka itself.
    Java,
    /// franz-go, sarama.
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
}

/// A folder of `protocol-tests/clients`.
pub fn sources(folder: &str) -> PathBuf {
    workspace::root().join("protocol-tests").join("clients").join(folder)
}

/// Installs the clients of a language and compiles its checks, unless that was done before for the same files.
/// Answers the folder below `target/clients` where they are.
///
/// # Errors
/// The command that failed, with what it said.
pub fn set_up(language: Language) -> Result<PathBuf, String> {
    set_up_folder(language, language.name())
}

/// As [`set_up`], for another folder of `protocol-tests/clients` in that language. A Java folder without a `pom.xml` is
/// compiled with the jars of [`set_up`], which must have been called.
///
/// # Errors
/// As [`set_up`].
pub fn set_up_folder(language: Language, folder: &str) -> Result<PathBuf, String> {
    let missing = language.missing();
    if !missing.is_empty() {
        return Err(format!("{} needs {} on this machine", language.name(), missing.join(", ")));
    }
    let clients = workspace::target_subdir("clients");
    let home = clients.join(folder);
    let _one_at_a_time = FileLock::acquire(&clients.join(format!("{folder}.lock")));
    let marker = home.join(".installed");
    let sources = sources(folder);
    let print = fingerprint(&sources)?;
    if fs::read_to_string(&marker).is_ok_and(|installed| installed == print) {
        return Ok(home);
    }
    let _ = fs::remove_file(&marker);
    fs::create_dir_all(&home).map_err(|e| format!("{}: {e}", home.display()))?;
    install(language, &sources, &home)?;
    fs::write(&marker, print).map_err(|e| format!("{}: {e}", marker.display()))?;
    Ok(home)
}

/// A number that changes when a file of the folder or of a folder in it does.
fn fingerprint(folder: &Path) -> Result<String, String> {
    let mut hasher = DefaultHasher::new();
    for path in all_files(folder)? {
        path.file_name().hash(&mut hasher);
        fs::read(&path).map_err(|e| format!("{}: {e}", path.display()))?.hash(&mut hasher);
    }
    Ok(format!("{:016x}", hasher.finish()))
}

/// The files of a folder and of the folders in it, in the order of their paths.
fn all_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut found = Vec::new();
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        // What a Python program leaves beside itself is no source.
        if path.is_dir() && !path.ends_with("__pycache__") {
            found.extend(all_files(&path)?);
        } else if path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn install(language: Language, sources: &Path, home: &Path) -> Result<(), String> {
    let run = |program: &str, arguments: &[&str], directory: &Path| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(directory);
        process::run(command, "", SET_UP_LIMIT).map(drop)
    };
    let path = |parts: &[&str]| parts.iter().fold(home.to_path_buf(), |at, part| at.join(part)).display().to_string();
    match language {
        Language::Python => {
            let requirements = sources.join("requirements.txt").display().to_string();
            run("python3", &["-m", "venv", &path(&[])], sources)?;
            run(
                &path(&["bin", "python"]),
                &["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", &requirements],
                sources,
            )
        }
        Language::Java => install_java(sources, home),
        Language::Go => run("go", &["build", "-o", &format!("{}/", path(&["bin"])), "./..."], sources),
        Language::Node => {
            for file in ["package.json", "package-lock.json"] {
                fs::copy(sources.join(file), home.join(file)).map_err(|e| format!("{file}: {e}"))?;
            }
            run("npm", &["ci", "--silent", "--no-audit", "--no-fund"], home)
        }
    }
}

/// Fetches the jars that the pom names, if there is one, and compiles every `.java` file.
fn install_java(sources: &Path, home: &Path) -> Result<(), String> {
    const COPY: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";
    if sources.join("pom.xml").is_file() {
        let fresh = home.join("lib.new");
        let _ = fs::remove_dir_all(&fresh);
        let mut maven = Command::new("mvn");
        maven.args(["--batch-mode", "--quiet", COPY, "-DincludeScope=runtime"]).current_dir(sources);
        maven.arg(format!("-DoutputDirectory={}", fresh.display()));
        process::run(maven, "", SET_UP_LIMIT)?;
        replace_jars(&fresh, &home.join("lib")).map_err(|e| format!("{}: {e}", fresh.display()))?;
    }
    let programs: Vec<PathBuf> =
        all_files(sources)?.into_iter().filter(|file| file.extension().is_some_and(|end| end == "java")).collect();
    let mut javac = Command::new("javac");
    javac.arg("-d").arg(home.join("classes")).arg("-cp").arg(format!("{}/*", jars().display())).args(programs);
    process::run(javac, "", SET_UP_LIMIT).map(drop)
}

/// Where the jars are that all Java programs share.
fn jars() -> PathBuf {
    workspace::target_subdir("clients/java").join("lib")
}

/// Makes `lib` hold what `fresh` holds. Jars that stay are not touched, for a running JVM may open them at any time; those
/// that the pom no longer names must not stay on the class path.
fn replace_jars(fresh: &Path, lib: &Path) -> std::io::Result<()> {
    fs::create_dir_all(lib)?;
    for old in fs::read_dir(lib)? {
        let old = old?;
        if !fresh.join(old.file_name()).exists() {
            fs::remove_file(old.path())?;
        }
    }
    for new in fs::read_dir(fresh)? {
        let new = new?;
        let into = lib.join(new.file_name());
        if !into.exists() {
            fs::rename(new.path(), into)?;
        }
    }
    fs::remove_dir_all(fresh)
}

/// A command that runs a class of a Java folder after [`set_up_folder`], as the console tools are run: the client compiler
/// alone, for these programs live for seconds. Logs from the level on to standard error.
pub fn java_program(folder: &str, class: &str, level: &str) -> Command {
    let mut java = Command::new("java");
    java.args(["-XX:TieredStopAtLevel=1", "-Xmx512m"]);
    java.arg(format!("-Dorg.slf4j.simpleLogger.defaultLogLevel={level}")).arg("-cp");
    let classes = workspace::target_subdir("clients").join(folder).join("classes");
    java.arg(format!("{}:{}/*", classes.display(), jars().display())).arg(class);
    java
}

/// The command that runs a program of checks against a broker, after [`set_up_folder`]. Its name is that of its file (Go: of
/// its folder) without an ending.
pub fn checks(language: Language, folder: &str, program: &str, bootstrap: &str) -> Command {
    let (home, sources) = (workspace::target_subdir("clients").join(folder), sources(folder));
    let mut command = match language {
        Language::Python => {
            let mut python = Command::new(home.join("bin").join("python"));
            python.env("PYTHONDONTWRITEBYTECODE", "1").arg(sources.join(format!("{program}.py")));
            python
        }
        Language::Java => java_program(folder, program, "off"),
        Language::Go => Command::new(home.join("bin").join(program)),
        Language::Node => {
            let mut node = Command::new("node");
            node.env("NODE_PATH", home.join("node_modules"))
                .env("KAFKAJS_NO_PARTITIONER_WARNING", "1")
                .arg(sources.join(format!("{program}.js")));
            node
        }
    };
    command.arg(bootstrap);
    command
}
