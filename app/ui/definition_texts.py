"""What every number on a page means: the sentences of docs/metrics.md, for the hints beside the numbers.

A test compares them with the document, word by word; change both together. Marks of Markdown are left out here.
"""

from app.ui.definition_texts_operating import OPERATING

SECTIONS: tuple[tuple[str, dict[str, str]], ...] = (
    (
        "What counts",
        {
            "Completed": (
                "a statement about the lesson itself whose verb is completed or passed, or whose "
                "result.completion is true. The first such statement is the completion; later ones change "
                "nothing. A voided one does not count: when it was the only one, the lesson is not complete any "
                "more. Answers to cards of the lesson complete nothing."
            ),
            "Started": "any statement about the lesson or a card of it. The first one is the start.",
            "Activity": "any statement about any lesson, planned for the cohort or not.",
            "Learner of a cohort": (
                "a member of it now. Who was removed does not count, whatever they did; who is in two cohorts "
                "counts in each. Learners without any statement count. Statements of groups are nobody's."
            ),
            "Lessons of a cohort": (
                "those of its plan, in order. While there is no plan: those that its learners have touched, the "
                "one first touched first, at most 500; they have no position and no day due."
            ),
            "Moments": (
                "are those that the sender gives (timestamp), else when the statement was accepted. A sender's "
                "clock that is ahead counts as it says."
            ),
            "Days": (
                "are days of time_zone, by default the cohort's; without a cohort UTC, in a timeline the "
                "learner's own. With them, a start or a completion counts when the first one lies on those days."
            ),
            "Due": (
                "a day in the learner's own time zone, the cohort's while theirs is not known. A lesson is "
                "overdue from the day after."
            ),
            "Attributes": (
                "the learner has that value, letter by letter. Several values of one attribute are alternatives,"
                " several attributes all have to fit. Every number is then about these learners only. The names "
                "are headings of the roster, as they stand there: GET "
                "/api/reports/cohorts/{id}/completions?attr.Team=Blue&attr.Team=Red&attr.Site=Oslo is about who "
                "is in one of the two teams and in Oslo; a heading with blanks is written attr.Cost+centre=17. "
                "Every report but the timeline takes them, ten at most."
            ),
            "Shares": (
                "are from 0 to 1 and rounded to four digits, half to even; null where there is nothing to take a"
                " share of. Medians lie between the two in the middle when there are two, and are in seconds, "
                "rounded to a tenth; null without any. Means are rounded to four digits."
            ),
        },
    ),
    (
        "Every report on a cohort",
        {
            "CohortReport.learner_count": "learners of the cohort that fit the filters.",
            "CohortReport.lesson_count": "lessons of the cohort, or 1 with lesson.",
        },
    ),
    (
        "Completions",
        {
            "LessonCompletions.started": "learners who started the lesson.",
            "LessonCompletions.completed": "learners who completed it.",
            "LessonCompletions.rate": "completed / learner_count.",
            "LearnerCompletions.completed": "lessons of the cohort that this learner completed.",
            "LearnerCompletions.rate": "that / lesson_count.",
            "CohortCompletions.rate": "the sum of completed over the lessons / (learner_count × lesson_count).",
            "PlannedLesson.position": "the place of the lesson in the plan, 1 for the first.",
        },
    ),
    (
        "Incomplete",
        {
            "LessonIncomplete.learner_count": "these learners, those who completed it too.",
            "LessonIncomplete.incomplete_count": "those who have not completed it.",
            "LessonIncomplete.overdue_count": "those of them for whom it is overdue.",
            "LessonIncomplete.untouched_count": "learners without any statement about it.",
            "IncompleteLearner.overdue_days": (
                "the learner's today − the day due, 0 when it is not overdue or never due. In two cohorts the "
                "earlier day counts. Learners whose time zone is not known have that of the cohort with the "
                "earlier day."
            ),
        },
    ),
    (
        "Overview",
        {
            "CohortOverview.completed_count": "(learner, lesson) pairs completed.",
            "CohortOverview.completion_rate": "completed_count / (learner_count × lesson_count).",
            "CohortOverview.started_learner_count": "learners who started any lesson of the cohort.",
            "CohortOverview.finished_learner_count": (
                "learners who completed every lesson of the cohort; 0 while it has none."
            ),
            "CohortOverview.active_learner_count": "learners with activity in the last 7 × 24 hours.",
            "CohortOverview.active_days": "these 7.",
            "LessonOverview.median_seconds_to_complete": (
                "median over the learners who completed it, from their first statement about it to their "
                "completion; 0 for who sent nothing else."
            ),
            "LessonOverview.median_seconds_since_due": (
                "the median moment of completion − the beginning of the day due in the time zone of the report. "
                "Negative when most were early; null for a lesson that is never due."
            ),
            "LessonOverview.median_seconds_since_start": (
                "the same since the beginning of the cohort's first day; null while the cohort has none."
            ),
        },
    ),
    (
        "Today",
        {
            "Today.learner_count": "all learners, in a cohort or not.",
            "Today.active_days": "7, the days of active_learner_count.",
            "Today.active_learner_count": "learners with activity in the last 7 × 24 hours.",
            "Today.active_learner_count_before": "the same of the 7 × 24 hours before these.",
            "Today.statement_count": (
                "statements that happened today until now, about a lesson or not, groups included."
            ),
            "Today.statement_count_before": "the same a week before.",
            "Today.completed_count": "(learner, lesson) pairs whose first completion was today until now.",
            "Today.completed_count_before": "the same a week before.",
            "CohortToday.learner_count": "learners of the cohort.",
            "CohortToday.lesson_count": "lessons of the cohort.",
            "CohortToday.completed_count": "(learner, lesson) pairs completed.",
            "CohortToday.completion_rate": "completed_count / (learner_count × lesson_count).",
            "CohortToday.at_risk_count": (
                "learners at risk: with 2 or more lessons overdue, or 7 or more days without activity. Who is at"
                " risk in two cohorts counts in each."
            ),
            "ActivityPattern.week_count": (
                "the whole weeks counted, up to the last midnight in the viewer's time zone; 4."
            ),
            "HourOfWeek.weekday": "0 for Monday.",
            "HourOfWeek.hour": "the hour of the day, 0 to 23, in the viewer's time zone.",
            "HourOfWeek.statement_count": (
                "statements in this hour of this weekday, all weeks together; up to five minutes old."
            ),
            "MinuteAccepted.statement_count": (
                "statements accepted in this minute and stored since, without voided ones; of all minutes "
                "together the newest 200,000."
            ),
        },
    ),
    (
        "At risk",
        {
            "AtRiskReport.behind_lessons": "at risk with so many lessons overdue; 2 unless asked otherwise.",
            "AtRiskReport.silent_days": "at risk after so many days without activity; 7 unless asked otherwise.",
            "AtRiskReport.at_risk_count": "learners at risk, for either reason, on all pages.",
            "AtRiskLearner.overdue_lessons": (
                "lessons of the cohort that are overdue for this learner and not complete."
            ),
            "AtRiskLearner.silent_days": (
                "whole days (24 hours) since the last activity. Without any: since they joined the cohort, or "
                "since the beginning of its first day, whichever was later. Never negative."
            ),
        },
    ),
    (
        "Drop-off",
        {
            "DropOffStep.step": "1 for the first lesson.",
            "DropOffStep.started": "learners who started the lesson.",
            "DropOffStep.completed": "learners who completed it.",
            "DropOffStep.reached": "learners who reached the step.",
            "DropOffStep.reached_rate": "reached / learner_count.",
            "DropOffStep.lost": (
                "learners for whom this is the furthest lesson they started, so far; at the last step, only "
                "those who have not completed it. Who is on time and waits for the next lesson counts as well: "
                "look at lessons that are due."
            ),
            "DropOffStep.lost_rate": "lost / reached.",
            "CohortDropOff.not_started_count": "learners who started no lesson of the cohort.",
            "CohortDropOff.finished_count": "learners who completed the last lesson.",
        },
    ),
    (
        "Cohorts and lessons beside each other",
        {
            "CohortFigures.learner_count": "learners of the cohort.",
            "CohortFigures.lesson_count": "lessons of the cohort.",
            "CohortFigures.completed_count": "(learner, lesson) pairs completed.",
            "CohortFigures.completion_rate": "completed_count / (learner_count × lesson_count).",
            "CohortFigures.active_learner_count": "learners with activity in the last 7 × 24 hours.",
            "CohortFigures.finished_learner_count": (
                "learners who completed every lesson of the cohort; 0 while it has none."
            ),
            "CohortFigures.at_risk_count": (
                "learners at risk: 2 or more lessons overdue, or 7 or more days without activity."
            ),
            "CohortTotals.cohort_count": "all cohorts.",
            "CohortTotals.member_count": "learners of all cohorts; who is in two of them counts twice.",
            "CohortTotals.completion_rate": "pairs completed in all cohorts / all pairs.",
            "CohortTotals.active_share": "active learners of all cohorts / member_count.",
            "CohortTotals.at_risk_share": "learners at risk in all cohorts / member_count.",
            "CohortList.found_count": "cohorts that fit the search.",
            "WeekBefore.completed_then": (
                "pairs that the learners of now had completed 7 × 24 hours ago, of the lessons of now."
            ),
            "WeekBefore.completion_rate_then": "completed_then / all pairs of now.",
            "WeekBefore.finished_then": "learners of now who had completed every lesson of now by then.",
            "GridLesson.completed": "learners who completed the lesson, of all that fit the filters.",
            "GridLesson.rate": "completed / learner_count.",
            "GridLearner.completed": (
                "lessons of the grid that this learner completed. A cell is late when the lesson is overdue for "
                "the learner and not complete, started or not."
            ),
            "LessonFigures.position": "the earliest place of the lesson in a plan, 1 for the first.",
            "LessonFigures.started": "learners who started it, in a cohort or not.",
            "LessonFigures.completed": "learners who completed it, in a cohort or not.",
            "LessonFigures.planned_count": "learners of the cohorts that have it in their plan, each once.",
            "LessonFigures.planned_completed": "those of them who completed it.",
            "LessonFigures.planned_rate": "planned_completed / planned_count.",
            "LessonFigures.median_seconds_to_complete": (
                "median over the learners who completed it, from their first statement about it to their " "completion."
            ),
            "LessonList.lesson_count": "lessons of the catalogue.",
            "LessonList.untitled_count": "those of them without a title.",
            "LessonList.found_count": "those of them that fit the search.",
            "LessonCohort.position": "the place of the lesson in the plan of the cohort.",
            "LessonCohort.due_after_days": (
                "days after the first day of the cohort on which it is due; null when a day was given."
            ),
            "LessonCohort.learners": "learners of the cohort.",
            "LessonCohort.started": "learners of the cohort who started the lesson.",
            "LessonCohort.completed": "learners of the cohort who completed it.",
            "LessonCohort.rate": "completed / learners.",
            "LessonDay.completions": "learners whose first completion lies on the day.",
            "LessonDay.completions_so_far": "learners whose first completion lies on the day or before it.",
        },
    ),
    (
        "Answers",
        {
            "QuestionAnswers.learner_count": "learners who answered.",
            "QuestionAnswers.answer_count": "answers, those given again included.",
            "QuestionAnswers.judged_count": "learners whose latest answer has a success.",
            "QuestionAnswers.correct_count": "learners whose latest answer has success true.",
            "QuestionAnswers.correct_share": "correct_count / judged_count.",
            "QuestionAnswers.rated_count": (
                "of a rating, learners whose latest answer is a number: score.raw, else the number that the "
                "response ends with, as in stars-4."
            ),
            "QuestionAnswers.mean": "the mean of these numbers.",
            "ChoiceCount.count": (
                "learners whose latest answer names this choice. The 50 most frequent are there, of responses of"
                " up to 100 characters; none for questions answered in words."
            ),
            "ChoiceCount.share": (
                "count / learner_count. With several choices in one answer the shares add up to more than 1."
            ),
        },
    ),
    (
        "Timeline",
        {
            "TimelineEntry.score_scaled": "result.score.scaled as sent, −1 to 1.",
            "TimelineEntry.duration_s": "result.duration in seconds.",
            "SpokenEntry.score_scaled": "the same score, on the page of a learner.",
            "SpokenEntry.duration_s": "the same duration.",
        },
    ),
    (
        "Learners",
        {
            "State of a learner": (
                "finished when every lesson planned for them is completed; else not started without any "
                "activity; else behind with 2 or more lessons overdue; else silent after 7 × 24 hours without "
                "activity; else on track."
            ),
            "LearnerList.learner_count": "learners that fit the filters.",
            "LearnerLine.completed": (
                "lessons planned for the learner that they completed; of any lesson where none are planned."
            ),
            "LearnerLine.planned": "lessons planned for the learner, 0 while no cohort of theirs has a plan.",
            "LearnerLine.overdue": "lessons planned for the learner that are overdue and not completed.",
            "LearnerLesson.overdue_days": (
                "the learner's today − the day due, 0 when it is not overdue, never due or completed."
            ),
            "LearnerLesson.best_score_scaled": "the highest result.score.scaled of the lesson itself, −1 to 1.",
        },
    ),
    *OPERATING,
)
