//! Changes of jobs beyond their text: savepoints, starting from one, and other statements for a job that goes on.

use std::sync::Arc;

use forebay_processor::job::{SavepointAbout, TaskOptions, check_start, savepoint_at_rest, start_from};
use forebay_processor::plan::{JobPlan, check_replacement, check_state};
use forebay_storage::ids::TopicPartition;

use super::savepoints::{self, Savepoint};
use super::{Job, JobError, JobSpec, Jobs, name_of, run};

impl Jobs {
    /// Gives a job other statements. What it has read stays read, and its open windows stay open; a paused job stays paused. Returns what
    /// becomes of each pipeline, and the warnings of the new plan.
    ///
    /// # Errors
    /// [`JobError::Incompatible`] if the state means something else to the new statements; nothing was stopped then.
    pub async fn replace(&self, name: &str, sql: &str) -> Result<(Vec<String>, Vec<String>), JobError> {
        let plan = self.plan(sql)?;
        let _turn = self.turns.take(name).await;
        let (_, known) = self.describe(name)?;
        let old = self.plan_of_old(&known.sql).map_err(|why| {
            JobError::Incompatible(format!(
                "the job's present statements cannot be planned any more, so nobody can tell whether its state fits the new ones ({}); \
                 apply the new ones under another name, or drop the job first",
                why.message
            ))
        })?;
        let kept = check_replacement(name, &old, &plan).map_err(JobError::Incompatible)?;
        let spec = JobSpec { sql: sql.to_owned(), ..known };
        let running = self.change(name, |job| self.put_and_take(job, spec))??;
        if let Some(running) = running {
            running.stop().await;
        }
        let warnings = plan.warnings.clone();
        self.change(name, |job| {
            if !job.spec.paused {
                job.running = self.launch(&job.spec, plan);
            }
        })?;
        Ok((kept, warnings))
    }

    /// Writes a savepoint of a job, which goes on; one of several tasks stands still meanwhile.
    pub async fn savepoint(&self, job: &str, name: &str) -> Result<Savepoint, JobError> {
        let topic = savepoints::topic_of(job, name).map_err(JobError::Invalid)?;
        let _turn = self.turns.take(job).await;
        let sql = self.describe(job)?.1.sql;
        let plan = self.plan(&sql)?;
        // What one task does between two steps, several do only where none of them goes on meanwhile.
        let stops = plan.pipelines.iter().any(|pipeline| pipeline.parallelism > 1);
        let door = self.change(job, |job| match &job.running {
            Some(running) if !stops => running.door(),
            _ => Ok(None),
        })?;
        let door = door?;
        if !savepoints::create(&self.host, &topic, plan.pipelines.len()).map_err(JobError::Failed)? {
            return Err(JobError::SavepointExists { job: job.to_owned(), name: name.to_owned() });
        }
        let about = SavepointAbout { savepoint: name.to_owned(), job: job.to_owned(), sql };
        let written = match door {
            Some(door) => door.savepoint(&topic, &about).await,
            None if stops => self.savepoint_between(&plan, &topic, &about).await?,
            None => self.savepoint_at_rest(&plan, &topic, &about).await,
        };
        let opened = written.and_then(|()| savepoints::open(&self.host, &topic));
        opened.map_err(|why| {
            if let Err(error) = savepoints::delete(&self.host, &topic) {
                tracing::warn!("the topic {topic} of a failed savepoint cannot be deleted: {error}");
            }
            no_savepoint_now(&why)
        })
    }

    /// Stops the tasks of a job for a savepoint, and starts them again.
    async fn savepoint_between(
        &self,
        plan: &Arc<JobPlan>,
        topic: &str,
        about: &SavepointAbout,
    ) -> Result<Result<(), String>, JobError> {
        let running = self.change(&about.job, |job| {
            job.last = job.status();
            job.running.take()
        })?;
        let ran = running.is_some();
        if let Some(running) = running {
            running.stop().await;
        }
        let written = self.savepoint_at_rest(plan, topic, about).await;
        self.change(&about.job, |job| {
            if ran {
                job.running = self.launch(&job.spec, plan.clone());
            }
        })?;
        Ok(written)
    }

    /// Opens the tasks of a job that does not run, for the savepoint alone.
    async fn savepoint_at_rest(&self, plan: &Arc<JobPlan>, topic: &str, about: &SavepointAbout) -> Result<(), String> {
        let (plan, host, topic, about) = (plan.clone(), self.host.clone(), topic.to_owned(), about.clone());
        self.in_background(move || {
            for pipeline in 0..plan.pipelines.len() {
                let to = TopicPartition::new(topic.as_str(), pipeline as i32);
                savepoint_at_rest(&*host, (&plan, pipeline), &to, &about, TaskOptions::default())
                    .map_err(|error| error.to_string())?;
            }
            Ok(())
        })
        .await
    }

    /// All savepoints, or those of one job.
    pub fn savepoints(&self, job: Option<&str>) -> Vec<Savepoint> {
        savepoints::list(&self.host, job)
    }

    /// Deletes a savepoint.
    pub async fn drop_savepoint(&self, job: &str, name: &str) -> Result<(), JobError> {
        let topic = savepoints::topic_of(job, name).map_err(JobError::Invalid)?;
        let _turn = self.turns.take(job).await;
        savepoints::check_owner(&self.host, &topic, job, name).map_err(JobError::Conflict)?;
        match savepoints::delete(&self.host, &topic).map_err(JobError::Failed)? {
            true => Ok(()),
            false => Err(no_savepoint(job, name)),
        }
    }

    /// Registers a job that starts where a savepoint, written `job/savepoint`, was made.
    pub async fn apply_from(&self, name: Option<&str>, sql: &str, from: &str) -> Result<String, JobError> {
        let bad = || JobError::Invalid(format!("'{from}' names no savepoint; write it as JOB/SAVEPOINT"));
        let (job, savepoint) = from.split_once('/').ok_or_else(bad)?;
        let topic = savepoints::topic_of(job, savepoint).map_err(JobError::Invalid)?;
        if self.savepoints(Some(job)).iter().all(|known| known.name != savepoint) {
            return Err(no_savepoint(job, savepoint));
        }
        let found = savepoints::open(&self.host, &topic).map_err(JobError::Conflict)?;
        let plan = self.plan(sql)?;
        let old = self.plan_of_old(&found.sql).map_err(|why| {
            JobError::Incompatible(format!(
                "the statements in the savepoint cannot be planned any more: {}",
                why.message
            ))
        })?;
        check_state(&old, &plan).map_err(JobError::Incompatible)?;
        let name = name_of(name, &plan)?;
        let _turn = self.turns.take(&name).await;
        let (fresh_plan, host, fresh_name) = (plan.clone(), self.host.clone(), name.clone());
        let fresh = move || check_start(&*host, &fresh_plan, &fresh_name).map_err(|error| error.to_string());
        self.in_background(fresh).await.map_err(JobError::Conflict)?;
        // Registered as paused first: what a crash leaves half-done is a job that can be dropped.
        self.register(&name, sql, &plan, true)?;
        let (seed_plan, host, seed_name) = (plan.clone(), self.host.clone(), name.clone());
        let seeded = self
            .in_background(move || {
                for pipeline in 0..seed_plan.pipelines.len() {
                    let from = TopicPartition::new(topic.as_str(), pipeline as i32);
                    start_from(&*host, &seed_plan, &seed_name, pipeline, &from, &TaskOptions::default())
                        .map_err(|error| error.to_string())?;
                }
                Ok(())
            })
            .await;
        if let Err(why) = seeded {
            self.forget(&name).await?;
            return Err(JobError::Failed(format!("the job cannot start from {from}: {why}")));
        }
        self.start_again(&name).await?;
        Ok(name)
    }

    /// Runs something that waits for disks on the jobs' threads.
    async fn in_background(&self, work: impl FnOnce() -> Result<(), String> + Send + 'static) -> Result<(), String> {
        let runtime = self.runtime.lock().as_ref().map(|runtime| runtime.handle().clone());
        let Some(runtime) = runtime else { return Err("the broker is stopping".to_owned()) };
        runtime.spawn_blocking(work).await.map_err(|error| format!("it ended badly: {error}"))?
    }
}

fn no_savepoint_now(why: &str) -> JobError {
    JobError::Failed(format!("the savepoint was not made: {why}"))
}

fn no_savepoint(job: &str, name: &str) -> JobError {
    JobError::NoSavepoint { job: job.to_owned(), name: name.to_owned() }
}

impl Job {
    /// A job at rest.
    pub(super) fn at_rest(spec: JobSpec) -> Job {
        Job { last: run::paused_status(&spec.name), spec, running: None }
    }
}
