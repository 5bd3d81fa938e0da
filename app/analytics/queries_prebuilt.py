"""The SQL of the prebuilt queries, by name. Run as the read-only role, with parameters bound to %(name)s.

Who is in `learner_id` is shown by app/accounts/visibility.py; nothing here selects a name. A parameter that was left
out is NULL. Literal per cent signs are written twice.
"""

COHORTS = """
SELECT c.name AS cohort, m.learners, l.lessons, coalesce(p.completed, 0) AS completed,
       round(100.0 * coalesce(p.completed, 0) / nullif(m.learners * l.lessons, 0), 1) AS completed_percent
  FROM cohorts c
 CROSS JOIN LATERAL (SELECT count(*) AS learners FROM cohort_members WHERE cohort_id = c.id) m
 CROSS JOIN LATERAL (SELECT count(*) AS lessons FROM cohort_lessons WHERE cohort_id = c.id) l
  LEFT JOIN (SELECT cm.cohort_id, count(*) AS completed
               FROM cohort_members cm JOIN cohort_lessons cl USING (cohort_id)
               JOIN lesson_progress lp ON lp.learner_id = cm.user_id AND lp.lesson_id = cl.lesson_id
              WHERE lp.completed_at IS NOT NULL GROUP BY 1) p ON p.cohort_id = c.id
 ORDER BY completed_percent DESC NULLS LAST, c.name
"""

LESSONS_OF_COHORT = """
SELECT cl.position, coalesce(l.title, l.activity_id) AS lesson, cl.due_on,
       count(lp.started_at) AS started, count(lp.completed_at) AS completed,
       round(100.0 * count(lp.completed_at) / nullif(count(cm.user_id), 0), 1) AS completed_percent
  FROM cohort_lessons cl JOIN lessons l ON l.id = cl.lesson_id
  LEFT JOIN cohort_members cm ON cm.cohort_id = cl.cohort_id
  LEFT JOIN lesson_progress lp ON lp.learner_id = cm.user_id AND lp.lesson_id = cl.lesson_id
 WHERE cl.cohort_id = %(cohort)s
 GROUP BY cl.position, lesson, cl.due_on ORDER BY cl.position
"""

DROP_OFF = """
WITH furthest AS (
    SELECT cm.user_id, max(cl.position) AS position
      FROM cohort_members cm JOIN cohort_lessons cl USING (cohort_id)
      JOIN lesson_progress lp ON lp.learner_id = cm.user_id AND lp.lesson_id = cl.lesson_id
     WHERE cm.cohort_id = %(cohort)s AND lp.started_at IS NOT NULL GROUP BY 1)
SELECT cl.position, coalesce(l.title, l.activity_id) AS lesson,
       count(f.user_id) FILTER (WHERE f.position >= cl.position) AS reached,
       count(f.user_id) FILTER (WHERE f.position = cl.position) AS got_no_further
  FROM cohort_lessons cl JOIN lessons l ON l.id = cl.lesson_id LEFT JOIN furthest f ON true
 WHERE cl.cohort_id = %(cohort)s GROUP BY cl.position, lesson ORDER BY cl.position
"""

SLOW_LEARNERS = """
WITH took AS (
    SELECT lp.learner_id, lp.lesson_id, extract(epoch FROM lp.completed_at - lp.started_at) / 3600 AS hours
      FROM lesson_progress lp
     WHERE lp.completed_at IS NOT NULL AND lp.statement_count > 1
       AND (%(cohort)s::uuid IS NULL
            OR lp.learner_id IN (SELECT user_id FROM cohort_members WHERE cohort_id = %(cohort)s::uuid))),
usual AS (SELECT lesson_id, percentile_cont(0.5) WITHIN GROUP (ORDER BY hours) AS hours FROM took GROUP BY 1)
SELECT t.learner_id, count(*) AS lessons_completed,
       count(*) FILTER (WHERE t.hours > %(times)s * u.hours) AS slow_lessons,
       round(sum(t.hours)::numeric, 1) AS hours, round(sum(u.hours)::numeric, 1) AS usual_hours
  FROM took t JOIN usual u USING (lesson_id)
 GROUP BY 1 HAVING count(*) FILTER (WHERE t.hours > %(times)s * u.hours) > 0
 ORDER BY slow_lessons DESC, hours DESC, t.learner_id
"""

NEVER_STARTED = """
SELECT cm.user_id AS learner_id, c.name AS cohort, cm.joined_at,
       (current_date - cm.joined_at::date) AS days_since_joined,
       (SELECT count(*) FROM notifications n WHERE n.learner_id = cm.user_id AND n.status = 'sent') AS reminders_sent
  FROM cohort_members cm JOIN cohorts c ON c.id = cm.cohort_id
 WHERE (%(cohort)s::uuid IS NULL OR cm.cohort_id = %(cohort)s::uuid)
   AND NOT EXISTS (SELECT FROM lesson_progress lp WHERE lp.learner_id = cm.user_id AND lp.started_at IS NOT NULL)
 ORDER BY cm.joined_at, cm.user_id
"""

LESSON_TIMES = """
SELECT coalesce(l.title, l.activity_id) AS lesson, count(*) AS completions,
       round((percentile_cont(0.5) WITHIN GROUP (ORDER BY s.seconds) / 60)::numeric, 1) AS median_minutes,
       round((percentile_cont(0.9) WITHIN GROUP (ORDER BY s.seconds) / 60)::numeric, 1) AS nine_in_ten_within_minutes
  FROM lesson_progress lp JOIN lessons l ON l.id = lp.lesson_id
 CROSS JOIN LATERAL (SELECT extract(epoch FROM lp.completed_at - lp.started_at) AS seconds) s
 WHERE lp.completed_at IS NOT NULL AND lp.statement_count > 1
   AND (%(cohort)s::uuid IS NULL
        OR lp.learner_id IN (SELECT user_id FROM cohort_members WHERE cohort_id = %(cohort)s::uuid))
 GROUP BY l.id ORDER BY median_minutes DESC, lesson
"""

QUESTIONS = """
SELECT coalesce(l.title, l.activity_id) AS lesson, max(coalesce(f.object_name, f.object_id)) AS question,
       count(DISTINCT f.learner_id) AS learners, count(*) AS answers,
       round(100.0 * count(*) FILTER (WHERE f.success) / count(*), 1) AS right_percent
  FROM statements_flat f JOIN lessons l ON l.id = f.lesson_id
 WHERE f.question_id IS NOT NULL AND f.success IS NOT NULL
   AND (%(lesson)s::uuid IS NULL OR f.lesson_id = %(lesson)s::uuid)
 GROUP BY l.id, f.question_id HAVING count(*) >= %(least)s ORDER BY right_percent, question
"""

CHOICES = """
SELECT max(coalesce(f.object_name, f.object_id)) AS question, f.choice AS answer, count(*) AS given,
       round(100.0 * count(*) / sum(count(*)) OVER (PARTITION BY f.question_id), 1) AS percent,
       bool_or(f.success) AS judged_right
  FROM statements_flat f
 WHERE f.lesson_id = %(lesson)s AND f.question_id IS NOT NULL AND f.choice IS NOT NULL
   AND f.interaction_type IN ('choice', 'likert', 'true-false', 'sequencing', 'matching', 'performance', 'numeric')
 GROUP BY f.question_id, f.choice ORDER BY question, given DESC, answer
"""

TEXTS = """
SELECT f.learner_id, coalesce(f.object_name, f.object_id) AS question, f.response AS answer,
       f.occurred_at AS answered_at
  FROM statements_flat f
 WHERE f.lesson_id = %(lesson)s AND f.question_id IS NOT NULL AND f.response IS NOT NULL
   AND coalesce(f.interaction_type, 'other') IN ('fill-in', 'long-fill-in', 'other')
 ORDER BY f.occurred_at DESC, f.statement_id
"""

VERBS_BY_DAY = """
SELECT (f.occurred_at AT TIME ZONE 'UTC')::date AS day, f.verb, count(*) AS statements,
       count(DISTINCT f.learner_id) AS learners
  FROM statements_flat f
 WHERE f.occurred_at >= (CAST(%(since)s AS date))::timestamp AT TIME ZONE 'UTC'
   AND f.occurred_at < (CAST(%(until)s AS date) + 1)::timestamp AT TIME ZONE 'UTC'
 GROUP BY 1, 2 ORDER BY 1 DESC, 3 DESC, 2
"""

BUSIEST_HOURS = """
SELECT extract(isodow FROM at.here)::int AS weekday, extract(hour FROM at.here)::int AS hour,
       count(*) AS statements, count(DISTINCT f.learner_id) AS learners
  FROM cohorts c JOIN cohort_members cm ON cm.cohort_id = c.id
  JOIN statements_flat f ON f.learner_id = cm.user_id
 CROSS JOIN LATERAL (SELECT f.occurred_at AT TIME ZONE c.time_zone AS here) at
 WHERE c.id = %(cohort)s
   AND f.occurred_at >= (CAST(%(since)s AS date))::timestamp AT TIME ZONE c.time_zone
 GROUP BY 1, 2 ORDER BY statements DESC, 1, 2
"""

DUPLICATES = """
WITH near AS (
    SELECT f.learner_id, f.verb, f.object_id, f.object_name, f.occurred_at,
           f.occurred_at - lag(f.occurred_at) OVER (
               PARTITION BY f.actor_key, f.verb_id, f.object_id, f.response ORDER BY f.occurred_at) AS after
      FROM statements_flat f
     WHERE f.occurred_at >= (CAST(%(since)s AS date))::timestamp AT TIME ZONE 'UTC')
SELECT verb, coalesce(max(object_name), object_id) AS object, count(*) AS repeats,
       count(DISTINCT learner_id) AS learners, max(occurred_at) AS latest
  FROM near WHERE after <= make_interval(secs => %(seconds)s)
 GROUP BY verb, object_id ORDER BY repeats DESC, object
"""

DEAD_LETTERS = """
SELECT code, source, coalesce(path, '$') AS path, max(reason) AS such_as, count(*) AS letters,
       count(*) FILTER (WHERE status = 'open') AS open, sum(seen_count) AS times_seen,
       min(first_seen_at) AS first_seen, max(last_seen_at) AS last_seen
  FROM dead_letters GROUP BY 1, 2, 3 ORDER BY open DESC, letters DESC, 1, 2, 3
"""

REMINDERS = """
SELECT n.status, count(*) AS reminders, count(DISTINCT n.learner_id) AS learners,
       count(*) FILTER (WHERE b.came_back) AS active_within_days,
       round(100.0 * count(*) FILTER (WHERE b.came_back) / count(*), 1) AS active_percent
  FROM notifications n
 CROSS JOIN LATERAL (SELECT EXISTS (
           SELECT FROM statements_flat f WHERE f.learner_id = n.learner_id AND f.occurred_at > n.sent_at
              AND f.occurred_at <= n.sent_at + make_interval(days => %(days)s)) AS came_back) b
 WHERE n.claimed_at >= (CAST(%(since)s AS date))::timestamp AT TIME ZONE 'UTC'
   AND (%(cohort)s::uuid IS NULL OR n.cohort_id = %(cohort)s::uuid)
 GROUP BY 1 ORDER BY reminders DESC, 1
"""
