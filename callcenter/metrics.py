"""Every Prometheus metric. Labels come from small closed sets, never a resident, device or operator."""

from prometheus_client import Counter, Gauge, Histogram, Info

ANSWER_EDGES = (5, 10, 15, 30, 60, 120, 180)  # targets at 15, 60 and 180 s (field.md 4)
COMMIT_EDGES = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)

alarms_received = Counter("vnh_alarms_received", "Alarms stored for the first time", ["kind"])
alarms_degraded = Counter("vnh_alarms_degraded", "Alarms that could not be read in full", ["reason"])
signals_repeated = Counter("vnh_signals_repeated", "Alarms heard again")
values_unreadable = Counter("vnh_values_unreadable", "Stored values that could not be read", ["column"])
alerts_open = Gauge("vnh_alerts_open", "Alerts by state", ["state"])
oldest_waiting = Gauge("vnh_oldest_waiting_seconds", "Age of the oldest emergency nobody has")
answer = Histogram("vnh_answer_seconds", "From the press until an operator has it", buckets=ANSWER_EDGES)
rules = Counter("vnh_rules", "Rules applied", ["rule"])
refused = Counter("vnh_refused", "Inputs that changed nothing", ["state", "input"])
claim_conflicts = Counter("vnh_claim_conflicts", "Claims that somebody else had won")
dead_letters = Counter("vnh_dead_letters", "Messages that could not be used", ["leaf", "reason"])
commit = Histogram("vnh_commit_seconds", "One group, from begin to committed", buckets=COMMIT_EDGES)
commit_failures = Counter("vnh_commit_failures", "Groups that could not be stored")
group_inputs = Histogram("vnh_group_inputs", "Inputs committed together", buckets=(1, 2, 5, 10, 25, 50, 100, 250))
door_waiting = Gauge("vnh_door_waiting", "Inputs waiting for the writer")
storing = Gauge("vnh_storing", "1 while alarms can be stored")
timers_fired = Counter("vnh_timers_fired", "Deadlines reached", ["kind"])
timers_late = Counter("vnh_timers_late", "Deadlines reached more than 5 s late", ["kind"])
outbox_pending = Gauge("vnh_outbox_pending", "Effects not yet performed")
effects = Counter("vnh_effects", "Effects performed", ["kind", "outcome"])
mqtt_connected = Gauge("vnh_mqtt_connected", "1 while connected to the broker", ["lane"])
mqtt_messages = Counter("vnh_mqtt_messages", "Messages heard", ["leaf"])
telemetry_merged = Counter("vnh_telemetry_merged", "Telemetry replaced by newer before it was stored")
telemetry_shed = Counter("vnh_telemetry_shed", "Telemetry dropped to keep the lane of alarms free")
consoles_connected = Gauge("vnh_consoles_connected", "Live connections of consoles")
flood = Gauge("vnh_flood", "1 while flood mode folds technical signals")
drill = Gauge("vnh_drill", "1 while a drill runs")
drill_alerts = Counter("vnh_drill_alerts", "Alerts opened to practise with")
sound_armed = Gauge("vnh_sound_armed", "Consoles whose sound is armed")
watchdog_violations = Gauge("vnh_watchdog_violations", "What the watchdog found wrong", ["check"])
watchdog_last_run = Gauge("vnh_watchdog_last_run_timestamp_seconds", "When the watchdog last finished")
loop_lag = Gauge("vnh_loop_lag_seconds", "How late the event loop ran its last one-second tick")
callbacks = Counter("vnh_callbacks", "Callbacks of telephone carriers", ["provider", "kind", "outcome"])
callback_lag = Histogram(
    "vnh_callback_lag_seconds", "From what happened on a call until we were told", ["provider", "kind"]
)
carrier_requests = Counter(
    "vnh_carrier_requests", "What was asked of a telephone carrier", ["provider", "operation", "outcome"]
)
carrier_seconds = Histogram("vnh_carrier_request_seconds", "How long a carrier took", ["provider", "operation"])
calls_wanted = Counter("vnh_calls_wanted", "Calls the centre decided to make", ["role"])
calls_ended = Counter("vnh_calls_ended", "Calls that are over", ["role", "outcome"])
dial_attempts = Counter("vnh_dial_attempts", "Requests to place a call", ["gateway", "outcome"])
circuit_open = Gauge("vnh_circuit_open", "1 while a gateway is not asked because it fails", ["gateway"])
callbacks_repeated = Counter("vnh_callbacks_repeated", "Callbacks that were stored already", ["provider"])
callbacks_unknown = Counter("vnh_callbacks_unknown", "Signed callbacks for a call that is not ours", ["provider"])
coverage_gaps = Counter("vnh_coverage_gaps", "Levels skipped because nobody belongs to them", ["level"])
debts_opened = Counter("vnh_debts_opened", "Callers who gave up before a person was there")
texts_sent = Counter("vnh_texts", "Text messages", ["outcome"])
recordings_missing = Counter("vnh_recordings_missing", "Recordings the carrier says it does not have")
responder_pages = Counter("vnh_responder_pages", "Links of the responders' page, and who was refused", ["outcome"])
oidc_sign_ins = Counter("vnh_oidc_sign_ins", "Who came back from the identity provider, and how it ended", ["outcome"])
coverage_holes = Gauge("vnh_coverage_holes", "Times in the next 7 days at which too few can be asked to go", ["level"])
coverage_next_hole = Gauge(
    "vnh_coverage_next_hole_seconds", "Until too few can be asked somewhere; +Inf: not in 7 days"
)
coverage_last_run = Gauge("vnh_coverage_last_run_timestamp_seconds", "When the coverage was last checked")
policy_version = Gauge("vnh_policy_version", "Version of the escalation policy in force here; 0: the file")
policy_unreadable = Gauge("vnh_policy_unreadable", "Stored versions of the policy that this process cannot read")
synthetic_last_success = Gauge(
    "vnh_synthetic_last_success_timestamp_seconds",
    "When the test alarm last came through; 0: none is set up",
)
disk_free = Gauge("vnh_disk_free_bytes", "Free on the disk of the data directory; NaN: not known")
gaps_unswept = Gauge("vnh_gaps_unswept", "Gaps after which not everybody who may have pressed is being asked")
backup_last_success = Gauge(
    "vnh_backup_last_success_timestamp_seconds", "Of which moment the newest backup is; 0: none was made"
)
build = Info("vnh_build", "Version of the service")

for _state in ("waiting", "claimed", "helping", "handed_over", "resolved"):
    alerts_open.labels(_state)
for _reason in ("body", "device", "retained", "clock"):
    alarms_degraded.labels(_reason)
for _outcome in ("made", "opened", "forged", "replayed", "expired", "preview"):
    responder_pages.labels(_outcome)
for _outcome in ("done", "away", "expired", "refused", "no_role", "unavailable"):
    oidc_sign_ins.labels(_outcome)
coverage_next_hole.set(float("inf"))  # until the first check has said otherwise
