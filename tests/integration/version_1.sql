-- A database as version 0.1.0 first wrote it: one push, of which one run failed.
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
INSERT INTO "events" VALUES(1,'production','event 1','push','2026-11-22 12:00:00.000000','2026-11-22 12:00:00.000000','test/app','1','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','alice',NULL,NULL);
CREATE TABLE hosts (
	name VARCHAR NOT NULL, 
	asked_at DATETIME NOT NULL, 
	error TEXT, 
	engine VARCHAR, 
	swarm VARCHAR, 
	is_manager INTEGER NOT NULL, 
	warnings JSON NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "hosts" VALUES('solo','2026-11-22 12:00:00.000000',NULL,NULL,NULL,0,'[]');
CREATE TABLE newest (
	registry VARCHAR NOT NULL, 
	repository VARCHAR NOT NULL, 
	tag VARCHAR NOT NULL, 
	push INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	PRIMARY KEY (registry, repository, tag), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "newest" VALUES('production','test/app','1',1,'2026-11-22 12:00:00.000000');
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
	PRIMARY KEY (rollout, "key"), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "outcomes" VALUES(1,'container/solo/web',1,'2026-11-22 12:00:00.000000','container','web','host solo','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','no space left');
CREATE TABLE refused (
	"key" VARCHAR NOT NULL, 
	digest VARCHAR NOT NULL, 
	PRIMARY KEY ("key", digest)
);
CREATE TABLE rollouts (
	id INTEGER NOT NULL, 
	push INTEGER NOT NULL, 
	image VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	runs INTEGER NOT NULL, 
	created_at DATETIME NOT NULL, 
	started_at DATETIME, 
	ended_at DATETIME, 
	due_at DATETIME, 
	note TEXT, 
	PRIMARY KEY (id), 
	UNIQUE (push), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "rollouts" VALUES(1,1,'registry.example.com/test/app:1','waiting',1,'2026-11-22 12:00:00.000000','2026-11-22 12:00:00.000000','2026-11-22 12:00:00.000000','2026-11-22 12:00:10.000000','no space left');
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
	PRIMARY KEY ("key")
);
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL);
CREATE TABLE tellings (
	rollout INTEGER NOT NULL, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at DATETIME, 
	channels JSON, 
	error TEXT, 
	PRIMARY KEY (rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "tellings" VALUES(1,'due',0,'2026-11-22 12:00:00.000000','null',NULL);
CREATE TABLE tried (
	"key" VARCHAR NOT NULL, 
	push INTEGER NOT NULL, 
	wanted VARCHAR NOT NULL, 
	outcome VARCHAR NOT NULL, 
	"after" VARCHAR, 
	at DATETIME NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "tried" VALUES('container/solo/web',1,'sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','2026-11-22 12:00:00.000000');
COMMIT;
PRAGMA user_version = 1;
