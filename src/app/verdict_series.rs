//! Verdicts of many checkpoints: judged on a thread of their own, so that neither the window nor its
//! analyses wait for them.

use std::{path::PathBuf, sync::Arc};

use super::{
    App,
    jobs::Slot,
    layout,
    path_dialog::{PathDialog, Purpose},
    session::remember,
};
use crate::{
    analysis::{EncoderSource, Request},
    compute::JobId,
    lab::{VerdictSeries, encoders_among, images_of_run, verdict_series},
    ui::{Pane, VerdictCommand, VerdictSeriesState, widgets::Level},
};

/// Rows so far, or why there are none.
type News = Result<Arc<VerdictSeries>, String>;

/// The series and the job that makes it.
#[derive(Default)]
pub(super) struct SeriesVerdicts {
    pub state: VerdictSeriesState,
    /// What is asked of every encoder.
    template: Option<Request>,
    job: Option<JobId>,
    ended: Option<String>,
    news: Slot<News>,
}

impl App {
    /// Carries out what is asked of the table of verdicts.
    pub(super) fn verdict_table(&mut self, command: VerdictCommand) {
        match command {
            VerdictCommand::AskFolder => {
                self.dialog = Some(PathDialog::with_text(Purpose::Verdicts, String::new()));
            }
            VerdictCommand::Judge(paths) => {
                if self.series_verdicts.job.is_some() {
                    return self.tell(Level::Info, "Checkpoints are being judged: stop that first");
                }
                let absolute = |path: PathBuf| std::path::absolute(&path).unwrap_or(path);
                self.series_verdicts.state = VerdictSeriesState {
                    paths: paths.into_iter().map(absolute).collect(),
                    ..VerdictSeriesState::default()
                };
                // Each encoder brings its own constants, stages and size of input.
                self.series_verdicts.template = Some(Request {
                    root: None,
                    stage: None,
                    normalisation: None,
                    resize: None,
                    ..self.request.clone()
                });
                self.judge_series();
            }
            VerdictCommand::GoOn => {
                if self.series_verdicts.state.is_unfinished() {
                    self.judge_series();
                } else {
                    self.tell(Level::Info, "No checkpoints are left to judge");
                }
            }
            VerdictCommand::Stop => match self.series_verdicts.job {
                Some(job) => self.jobs.stop_series(job),
                None => self.tell(Level::Info, "No checkpoints are being judged"),
            },
            VerdictCommand::OpenRow(row) => self.open_judged(row),
        }
    }

    fn judge_series(&mut self) {
        let Some(template) = self.series_verdicts.template.clone() else {
            return;
        };
        let state = &mut self.series_verdicts.state;
        let (paths, known) = (state.paths.clone(), state.series.clone());
        let (news, wake) = (self.series_verdicts.news.clone(), self.jobs.waker());
        let compute = self.jobs.compute().clone();
        let job = move |progress: &crate::progress::Progress| {
            let files = match encoders_among(&paths) {
                Ok(files) => files,
                Err(error) => {
                    news.put(Err(error.to_string()));
                    return;
                }
            };
            let Some(first) = files.first() else {
                return;
            };
            let run = paths.first().filter(|_| paths.len() == 1);
            let images = run.and_then(|folder| images_of_run(folder));
            let request = Request {
                encoder: EncoderSource::File(first.clone()),
                images: images.unwrap_or_else(|| template.images.clone()),
                ..template
            };
            let tell = |series: &VerdictSeries| {
                news.put(Ok(Arc::new(series.clone())));
                wake();
            };
            let known = known.as_deref();
            match verdict_series(&files, &request, known, &compute, progress, tell) {
                Ok(series) => news.put(Ok(Arc::new(series))),
                Err(error) if error.is_cancelled() => {}
                Err(error) => news.put(Err(error.to_string())),
            }
            wake();
        };
        let id = self.jobs.judge_series("Judging checkpoints", job);
        let state = &mut self.series_verdicts.state;
        state.problem = None;
        state.is_working = id.is_some();
        self.series_verdicts.job = id;
        layout::show(&mut self.tree, Pane::Verdict);
        if id.is_none() {
            self.tell(Level::Warning, "Too much is waiting: try again in a moment");
        }
    }

    fn open_judged(&mut self, row: usize) {
        let series = self.series_verdicts.state.series.clone();
        let Some((series, path)) = series.and_then(|series| {
            let path = series.rows.get(row)?.path.clone();
            Some((series, path))
        }) else {
            return self.tell(Level::Info, "No such row is in the table of verdicts");
        };
        remember(&mut self.session.recent, path.clone());
        self.request = Request {
            normalisation: self.session.normalisations.get(&path).copied(),
            encoder: EncoderSource::File(path),
            ..series.request.clone()
        };
        self.analyse(false);
    }

    /// Takes in the rows that were made since the last frame.
    pub(super) fn receive_series_verdicts(&mut self) {
        let verdicts = &mut self.series_verdicts;
        if let Some(news) = verdicts.news.take() {
            match news {
                Ok(series) => verdicts.state.series = Some(series),
                Err(why) => verdicts.state.problem = Some(why),
            }
        }
        let Some(how) = verdicts.ended.take() else {
            return;
        };
        verdicts.job = None;
        verdicts.state.is_working = false;
        let is_whole = (verdicts.state.series.as_ref()).is_some_and(|series| series.is_finished());
        if !is_whole && verdicts.state.problem.is_none() {
            verdicts.state.problem = Some(how);
        }
        if let Some(why) = verdicts.state.problem.clone() {
            self.tell(
                Level::Warning,
                format!("Not all checkpoints are judged: {why}"),
            );
        }
    }
}

impl SeriesVerdicts {
    /// A job came to its end.
    pub fn job_ended(&mut self, id: JobId, how: &str) {
        if self.job == Some(id) {
            self.ended = Some(how.to_owned());
        }
    }
}
