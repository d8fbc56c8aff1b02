BEGIN TRANSACTION;
CREATE TABLE events (
	id INTEGER NOT NULL, 
	registry VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	received_at DATETIME NOT NULL, 
	occurred_at DATETIME, 
	repository VARCHAR, 
	tag VARCHAR, 
	digest VARCHAR, 
	actor VARCHAR, 
	reason TEXT, 
	content JSON, 
	PRIMARY KEY (id), 
	UNIQUE (registry, "key")
);
INSERT INTO "events" VALUES(1,'production','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1','push','2026-11-22 12:00:01.000000','2026-11-22 12:00:00.000000','test/app','1','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','alice',NULL,NULL);
INSERT INTO "events" VALUES(2,'production','later','push','2026-11-22 12:00:09.000000','2026-11-22 12:00:08.000000','test/app','1','sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','alice',NULL,NULL);
CREATE TABLE hosts (
	name VARCHAR NOT NULL, 
	asked_at DATETIME NOT NULL, 
	error TEXT, 
	engine VARCHAR, 
	swarm VARCHAR, 
	is_manager BOOLEAN NOT NULL, 
	warnings JSON NOT NULL, 
	live TEXT, 
	back_since DATETIME, 
	unfinished JSON NOT NULL, 
	engine_id VARCHAR, 
	engine_name VARCHAR, 
	containers JSON NOT NULL, 
	at_once BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "hosts" VALUES('m1','2026-11-22 12:00:00.000000',NULL,NULL,'alpha',1,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0);
INSERT INTO "hosts" VALUES('solo','2026-11-22 12:00:00.000000',NULL,NULL,NULL,0,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0);
CREATE TABLE last_attempts (
	"key" VARCHAR NOT NULL, 
	push INTEGER NOT NULL, 
	outcome VARCHAR NOT NULL, 
	possible_digests JSON NOT NULL, 
	at DATETIME NOT NULL, 
	left_alone BOOLEAN NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "last_attempts" VALUES('container/solo/web',1,'rolled_back','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:05.000000',0);
INSERT INTO "last_attempts" VALUES('service/x',1,'failed','["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]','2026-11-22 12:00:05.000000',0);
CREATE TABLE migrations (
	name VARCHAR NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "migrations" VALUES('0001 the first tables');
INSERT INTO "migrations" VALUES('0002 what may be updated at once');
CREATE TABLE newest (
	registry VARCHAR NOT NULL, 
	repository VARCHAR NOT NULL, 
	tag VARCHAR NOT NULL, 
	push INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	received_at DATETIME NOT NULL, 
	registry_digest VARCHAR, 
	found_at DATETIME, 
	PRIMARY KEY (registry, repository, tag), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "newest" VALUES('production','test/app','1',2,'2026-11-22 12:00:08.000000','2026-11-22 12:00:09.000000','sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',NULL);
CREATE TABLE notifications (
	rollout INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	content JSON, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at DATETIME, 
	channels JSON, 
	error TEXT, 
	PRIMARY KEY (rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "notifications" VALUES(1,1,'{"id": 1, "image": "registry.example.com/test/app:1", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "actor": "alice", "registry": "production", "pushed_at": "2026-11-22T12:00:01.000Z", "attempt": 1, "started_at": "2026-11-22T12:00:03.000Z", "finished_at": "2026-11-22T12:00:05.000Z", "outcomes": [{"kind": "container", "name": "web", "where": "host solo", "outcome": "rolled_back", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "message": "because"}, {"kind": "container", "name": "web", "where": "host solo", "outcome": "failed", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": null, "message": "because"}]}','due',0,'2026-11-22 12:00:05.000000','null',NULL);
CREATE TABLE outcomes (
	rollout INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	run INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	"before" VARCHAR, 
	"after" VARCHAR, 
	message TEXT, 
	left_alone BOOLEAN NOT NULL, 
	PRIMARY KEY (rollout, "key"), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "outcomes" VALUES(1,'container/solo/web',1,'2026-11-22 12:00:05.000000','container','web','host solo','rolled_back','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','because',0);
INSERT INTO "outcomes" VALUES(1,'service/x',1,'2026-11-22 12:00:05.000000','container','web','host solo','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'because',0);
CREATE TABLE overrides (
	id INTEGER NOT NULL, 
	push INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	closed_at DATETIME, 
	PRIMARY KEY (id), 
	FOREIGN KEY(push) REFERENCES events (id)
);
CREATE TABLE refusals (
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	PRIMARY KEY ("key", digest)
);
INSERT INTO "refusals" VALUES('container/solo/web','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb');
CREATE TABLE retries (
	id INTEGER NOT NULL, 
	rollout INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
CREATE TABLE rollouts (
	id INTEGER NOT NULL, 
	push INTEGER NOT NULL, 
	image VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	runs INTEGER NOT NULL, 
	attempts INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	due_at DATETIME, 
	note TEXT, 
	is_stopped BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	UNIQUE (push), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "rollouts" VALUES(1,1,'registry.example.com/test/app:1','finished',1,1,'2026-11-22 12:00:03.000000','2026-11-22 12:00:03.000000','2026-11-22 12:00:05.000000',NULL,'because',0);
CREATE TABLE targets (
	"key" VARCHAR NOT NULL, 
	kind VARCHAR NOT NULL, 
	id VARCHAR NOT NULL, 
	name VARCHAR NOT NULL, 
	place VARCHAR NOT NULL, 
	hosts JSON NOT NULL, 
	image VARCHAR NOT NULL, 
	reference VARCHAR, 
	digests JSON NOT NULL, 
	since DATETIME NOT NULL, 
	state VARCHAR, 
	at_once BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
INSERT INTO "targets" VALUES('service/id-of-api','service','id-of-api','api','swarm of m1','["m1", "m2", "m3"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
COMMIT;
