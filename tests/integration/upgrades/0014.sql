BEGIN TRANSACTION;
CREATE TABLE answers (
	person VARCHAR NOT NULL, 
	"key" VARCHAR NOT NULL, 
	fingerprint VARCHAR NOT NULL, 
	content BLOB NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (person, "key")
);
CREATE TABLE claims (
	registry VARCHAR NOT NULL, 
	repository VARCHAR NOT NULL, 
	tag VARCHAR NOT NULL, 
	event INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (registry, repository, tag), 
	FOREIGN KEY(event) REFERENCES events (id)
);
INSERT INTO "claims" VALUES('production','test/app','2',2,'2026-11-22 12:00:08.000000','2026-11-22 12:00:08.000000');
INSERT INTO "claims" VALUES('production','test/app','3',4,'2026-11-22 12:00:08.000000','2026-11-22 12:00:08.000000');
CREATE TABLE decisions (
	id INTEGER NOT NULL, 
	push INTEGER NOT NULL, 
	target_keys JSON NOT NULL, 
	person VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	is_approval BOOLEAN NOT NULL, 
	reason TEXT, 
	PRIMARY KEY (id), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "decisions" VALUES(1,1,'["container/solo/web"]','ann','2026-11-22 12:00:07.000000',0,'not today');
CREATE TABLE delays (
	push INTEGER NOT NULL, 
	registry VARCHAR NOT NULL, 
	repository VARCHAR NOT NULL, 
	tag VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	PRIMARY KEY (push)
);
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
INSERT INTO "events" VALUES(1,'production','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1','push','2026-11-22 12:00:01.000000','2026-11-22 12:00:00.000000','test/app','1','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','alice',NULL,'null');
INSERT INTO "events" VALUES(2,'production','claimed','push','2026-11-22 12:00:08.000000','2026-11-22 12:00:08.000000','test/app','2','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','bob',NULL,'null');
INSERT INTO "events" VALUES(3,'production','82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da','unreadable','2026-11-22 12:00:08.000000',NULL,NULL,NULL,NULL,NULL,'no digest','{"a": 1.5, "b": "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"}');
INSERT INTO "events" VALUES(4,'production','other','push','2026-11-22 12:00:08.000000','2026-11-22 12:00:08.000000','test/app','3','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb','bob',NULL,'null');
INSERT INTO "events" VALUES(5,'production','by hand','push','2026-11-22 12:00:09.000000','2026-11-22 12:00:09.000000','test/app','4','sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc','ann (by hand)',NULL,'null');
CREATE TABLE freezes (
	id INTEGER NOT NULL, 
	scope VARCHAR NOT NULL, 
	"of" VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	until DATETIME, 
	reason TEXT NOT NULL, 
	actor VARCHAR NOT NULL, 
	ended_at DATETIME, 
	ended_by VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "freezes" VALUES(1,'everything','','2026-11-22 12:00:07.000000','2026-11-22 14:13:20.000000','it moves','ann','2026-11-22 12:00:07.000000','ann');
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
	groups JSON NOT NULL, 
	policy JSON NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "hosts" VALUES('m1','2026-11-22 12:00:00.000000',NULL,NULL,'alpha',1,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0,'[]','[]');
INSERT INTO "hosts" VALUES('solo','2026-11-22 12:00:00.000000',NULL,NULL,NULL,0,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0,'[]','[]');
CREATE TABLE ignored (
	registry VARCHAR NOT NULL, 
	reason VARCHAR NOT NULL, 
	count INTEGER NOT NULL, 
	first_at DATETIME NOT NULL, 
	last_at DATETIME NOT NULL, 
	PRIMARY KEY (registry, reason)
);
INSERT INTO "ignored" VALUES('production','a pull',1,'2026-11-22 12:00:08.000000','2026-11-22 12:00:08.000000');
CREATE TABLE last_attempts (
	"key" VARCHAR NOT NULL, 
	push INTEGER NOT NULL, 
	outcome VARCHAR NOT NULL, 
	possible_digests JSON NOT NULL, 
	at DATETIME NOT NULL, 
	left_alone BOOLEAN NOT NULL, 
	held BOOLEAN DEFAULT 0 NOT NULL, 
	given_up BOOLEAN, 
	is_unheard BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY ("key"), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "last_attempts" VALUES('container/solo/web',1,'rolled_back','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:05.000000',0,0,1,0);
INSERT INTO "last_attempts" VALUES('service/x',1,'failed','["sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]','2026-11-22 12:00:05.000000',0,0,1,0);
CREATE TABLE message_items (
	message INTEGER NOT NULL, 
	news INTEGER NOT NULL, 
	target_keys JSON, 
	PRIMARY KEY (message, news), 
	FOREIGN KEY(message) REFERENCES messages (id), 
	FOREIGN KEY(news) REFERENCES news (id)
);
INSERT INTO "message_items" VALUES(1,1,'null');
CREATE TABLE messages (
	id INTEGER NOT NULL, 
	receiver VARCHAR NOT NULL, 
	topic VARCHAR NOT NULL, 
	state VARCHAR NOT NULL, 
	purpose VARCHAR NOT NULL, 
	created_at DATETIME NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at DATETIME, 
	failing_since DATETIME, 
	channels JSON, 
	results JSON NOT NULL, 
	error TEXT, 
	sent_at DATETIME, 
	PRIMARY KEY (id)
);
INSERT INTO "messages" VALUES(1,'default','update failed','sent','at once','2026-11-22 12:00:06.000000',1,NULL,NULL,'null','{}',NULL,'2026-11-22 12:00:06.000000');
CREATE TABLE migrations (
	name VARCHAR NOT NULL, 
	version VARCHAR, 
	PRIMARY KEY (name)
);
INSERT INTO "migrations" VALUES('0001 the first tables','0.1.0');
INSERT INTO "migrations" VALUES('0002 what may be updated at once','0.1.0');
INSERT INTO "migrations" VALUES('0003 the stages of rollouts','0.1.0');
INSERT INTO "migrations" VALUES('0004 what is ignored','0.1.0');
INSERT INTO "migrations" VALUES('0005 what is to be asked of registries','0.1.0');
INSERT INTO "migrations" VALUES('0006 the trail','0.1.0');
INSERT INTO "migrations" VALUES('0007 what people look for','0.1.0');
INSERT INTO "migrations" VALUES('0008 silences','0.1.0');
INSERT INTO "migrations" VALUES('0009 what was answered','0.1.0');
INSERT INTO "migrations" VALUES('0010 the logs of what failed','0.1.0');
INSERT INTO "migrations" VALUES('0011 messages to receivers','0.1.0');
INSERT INTO "migrations" VALUES('0012 rules, and what people decide','0.1.0');
INSERT INTO "migrations" VALUES('0013 ends of which nobody heard','0.1.0');
INSERT INTO "migrations" VALUES('0014 which version changed the tables','0.1.0');
CREATE TABLE newest (
	registry VARCHAR NOT NULL, 
	repository VARCHAR NOT NULL, 
	tag VARCHAR NOT NULL, 
	change INTEGER DEFAULT '0' NOT NULL, 
	push INTEGER NOT NULL, 
	occurred_at DATETIME NOT NULL, 
	received_at DATETIME NOT NULL, 
	registry_digest VARCHAR, 
	found_at DATETIME, 
	PRIMARY KEY (registry, repository, tag), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "newest" VALUES('production','test/app','1',1,1,'2026-11-22 12:00:00.000000','2026-11-22 12:00:01.000000','sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',NULL);
INSERT INTO "newest" VALUES('production','test/app','4',2,5,'2026-11-22 12:00:09.000000','2026-11-22 12:00:09.000000',NULL,NULL);
CREATE TABLE news (
	id INTEGER NOT NULL, 
	topic VARCHAR NOT NULL, 
	subject VARCHAR, 
	rollout INTEGER, 
	run INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	item JSON NOT NULL, 
	is_routed BOOLEAN NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "news" VALUES(1,'update failed',NULL,1,1,'2026-11-22 12:00:05.000000','2026-11-22 12:00:05.000000','{"id": 1, "image": "registry.example.com/test/app:1", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "actor": "alice", "registry": "production", "repository": "test/app", "pushed_at": "2026-11-22T12:00:01.000Z", "attempt": 1, "started_at": "2026-11-22T12:00:03.000Z", "finished_at": "2026-11-22T12:00:05.000Z", "retry_at": null, "waits_for": "a newer push, or a person: `retry 1` runs it again", "insisted": [], "outcomes": [{"key": "container/solo/web", "kind": "container", "name": "web", "where": "host solo", "outcome": "rolled_back", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "message": "because", "log": [], "was": "rolled_back", "is_new": false, "left_alone": false}, {"key": "service/x", "kind": "container", "name": "web", "where": "host solo", "outcome": "failed", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": null, "message": "because", "log": [], "was": null, "is_new": true, "left_alone": false}]}',1);
CREATE TABLE notifications (
	rollout INTEGER NOT NULL, 
	run INTEGER NOT NULL, 
	content JSON, 
	state VARCHAR NOT NULL, 
	attempts INTEGER NOT NULL, 
	due_at DATETIME, 
	channels JSON, 
	error TEXT, 
	sent_at DATETIME, 
	PRIMARY KEY (rollout), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "notifications" VALUES(1,1,'{"image": "app"}','sent',1,'2026-11-22 12:00:06.000000','["slack"]','teams: HTTP 500','2026-11-22 12:00:06.000000');
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
	stages JSON DEFAULT '{}' NOT NULL, 
	log JSON NOT NULL, 
	held BOOLEAN DEFAULT 0 NOT NULL, 
	PRIMARY KEY (rollout, "key"), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "outcomes" VALUES(1,'container/solo/web',1,'2026-11-22 12:00:05.000000','container','web','host solo','rolled_back','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','because',0,'{}','[]',0);
INSERT INTO "outcomes" VALUES(1,'service/x',1,'2026-11-22 12:00:05.000000','container','web','host solo','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'because',0,'{}','[]',0);
CREATE TABLE overrides (
	id INTEGER NOT NULL, 
	push INTEGER NOT NULL, 
	"key" VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	actor VARCHAR NOT NULL, 
	closed_at DATETIME, 
	breaks JSON NOT NULL, 
	PRIMARY KEY (id), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "overrides" VALUES(1,1,'container/solo/web','2026-11-22 12:00:07.000000','ann',NULL,'[]');
INSERT INTO "overrides" VALUES(2,5,'container/solo/db','2026-11-22 12:00:09.000000','ann',NULL,'[]');
INSERT INTO "overrides" VALUES(3,5,'container/solo/web','2026-11-22 12:00:09.000000','ann',NULL,'[]');
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
INSERT INTO "retries" VALUES(1,1,'2026-11-22 12:00:07.000000','ann');
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
	waits JSON NOT NULL, 
	approval_of VARCHAR, 
	waiting_since DATETIME, 
	PRIMARY KEY (id), 
	UNIQUE (push), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "rollouts" VALUES(1,1,'registry.example.com/test/app:1','waiting',1,0,'2026-11-22 12:00:03.000000','2026-11-22 12:00:03.000000','2026-11-22 12:00:05.000000','2026-11-22 12:00:07.000000','run again by hand, by ann',0,'[]',NULL,NULL);
CREATE TABLE silences (
	id INTEGER NOT NULL, 
	subject VARCHAR NOT NULL, 
	"of" VARCHAR NOT NULL, 
	at DATETIME NOT NULL, 
	until DATETIME NOT NULL, 
	reason TEXT NOT NULL, 
	actor VARCHAR NOT NULL, 
	ended_at DATETIME, 
	ended_by VARCHAR, 
	PRIMARY KEY (id)
);
INSERT INTO "silences" VALUES(1,'host','solo','2026-11-22 12:00:07.000000','2026-11-22 14:30:00.000000','it moves','ann','2026-11-22 12:00:07.000000','ann');
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
	notify JSON NOT NULL, 
	labels JSON NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "targets" VALUES('service/id-of-api','service','id-of-api','api','swarm of m1','["m1", "m2", "m3"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0,'[]','[]');
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0,'[]','[]');
CREATE TABLE trail (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	kind VARCHAR NOT NULL, 
	event INTEGER, 
	rollout INTEGER, 
	content TEXT, 
	content_hash VARCHAR NOT NULL, 
	hash VARCHAR NOT NULL
);
INSERT INTO "trail" VALUES(1,'2026-11-22 12:00:00.000000','trail.began',NULL,NULL,'{"facts":{"trail":"742b6f7e66214b458ca49f21ed0235ac"}}','7cd1e693fe9994914754e046cd55f995e3141d1cc8e4baeb81ee6ba38dc94e2f','748d61478a63ce7828b798336f4012cb58dcfb47cb6411c1839b7d6e8a002e84');
INSERT INTO "trail" VALUES(2,'2026-11-22 12:00:01.000000','event.received',1,NULL,'{"facts":{"from":null,"is_claim":false},"rows":{"events":[{"actor":"alice","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":1,"key":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1","kind":"push","occurred_at":"2026-11-22T12:00:00.000000Z","reason":null,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","repository":"test/app","tag":"1"}],"newest":[{"change":1,"found_at":null,"occurred_at":"2026-11-22T12:00:00.000000Z","push":1,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","registry_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","repository":"test/app","tag":"1"}]}}','b62ea7ff7a834d139339551e17073246e6803fad6faaca1f1bae133e517e6d39','980de9c5b0931de6cf3a0fce767ec8948f88ecd836d26465f9c58ab0dbf6fef8');
INSERT INTO "trail" VALUES(3,'2026-11-22 12:00:02.000000','pushes.matched',1,NULL,'{"facts":{"targets":[{"target":"container/solo/web","verdict":"due"}],"up_to":1}}','1ad00d7aad84cffb6744f7bf45a3dbec41bcecf2994bfd6e2643d9171f05a6ba','3e4e07d1ba858ac4b452f9bab40fa2dc92473d37398e54c73a86f25800ac0cc9');
INSERT INTO "trail" VALUES(4,'2026-11-22 12:00:03.000000','run.began',1,1,'{"facts":{"asked":{},"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","engines":{},"hosts":["solo"],"image":"registry.example.com/test/app:1","overridden":[],"run":1,"targets":["container/solo/web"]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:03.000000Z","given_up":false,"held":false,"is_unheard":true,"key":"container/solo/web","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"rollouts":[{"approval_of":null,"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":0,"started_at":null,"state":"waiting","waiting_since":null,"waits":"[]"},{"approval_of":null,"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running","waiting_since":null,"waits":"[]"}]}}','87fb1c9e6e0f32028d2f28fc78bc990c05d18b60c9e92f90ee61c506288d11bd','aa6ead8a798d3b359892141189b663149a47a6105a5fc086afc79b9e00b37a79');
INSERT INTO "trail" VALUES(5,'2026-11-22 12:00:04.000000','target.ended',1,1,'{"facts":{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"registry.example.com/test/app:1","outcome":"rolled_back","run":1,"target":"container/solo/web"},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:04.000000Z","given_up":false,"held":false,"is_unheard":false,"key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:04.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","held":false,"key":"container/solo/web","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"approval_of":null,"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running","waiting_since":null,"waits":"[]"}]}}','2d917aecffad31eee94d1a71309ac1e2ebb2c5e17d88a2544f3f3460bc350edc','869ebf54606631a1d64aef73db3a505fd3288cf2ee904b87a4b2136bae99dfbf');
INSERT INTO "trail" VALUES(6,'2026-11-22 12:00:05.000000','run.ended',1,1,'{"facts":{"image":"registry.example.com/test/app:1","run":1,"targets":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"rolled_back","target":"container/solo/web"},{"after":null,"before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"failed","target":"service/x"}]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:05.000000Z","given_up":true,"held":false,"is_unheard":false,"key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1},{"at":"2026-11-22T12:00:05.000000Z","given_up":true,"held":false,"is_unheard":false,"key":"service/x","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"news":[{"at":"2026-11-22T12:00:05.000000Z","due_at":"2026-11-22T12:00:05.000000Z","id":1,"is_routed":false,"item":{"length":1292,"sha256":"b8e3ad2a240cfa5ccdc417766914f81c1daa59638597bc6850d9b06a85c2860a"},"rollout":1,"run":1,"subject":null,"topic":"update failed"}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","held":false,"key":"container/solo/web","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"},{"after":null,"at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","held":false,"key":"service/x","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"failed","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"approval_of":null,"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"because","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"finished","waiting_since":null,"waits":"[]"}]}}','2095afd7762ee886b3bd6e0a6ab1ebcb4ee046f2b2222f231e78791ba23bf4e0','9bd99cb36073cf95cb0815aa8d4f91da8299063fcb99b92df58ad8a6b3d9998f');
INSERT INTO "trail" VALUES(7,'2026-11-22 12:00:06.000000','news.routed',1,1,'{"facts":{"nobody":null,"receivers":{"default":1},"run":1,"topic":"update failed"},"rows":{"message_items":[{"message":1,"news":1,"target_keys":null}],"messages":[{"attempts":0,"channels":null,"created_at":"2026-11-22T12:00:06.000000Z","due_at":"2026-11-22T12:00:06.000000Z","error":null,"failing_since":null,"id":1,"purpose":"at once","receiver":"default","results":"{}","sent_at":null,"state":"due","topic":"update failed"}],"news":[{"at":"2026-11-22T12:00:05.000000Z","due_at":"2026-11-22T12:00:05.000000Z","id":1,"is_routed":true,"item":{"length":1292,"sha256":"b8e3ad2a240cfa5ccdc417766914f81c1daa59638597bc6850d9b06a85c2860a"},"rollout":1,"run":1,"subject":null,"topic":"update failed"}]}}','6565db2225f7edaed7eb7bba6d1d35df935bda7eef1e807d4760085c49594b7a','0754fe4854e2b5cc96fec703039f38e9d7b1bc840e7ed0ec3d6140dbe6037c96');
INSERT INTO "trail" VALUES(8,'2026-11-22 12:00:06.000000','team.told',1,1,'{"facts":{"channels":null,"error":null,"message":1,"receiver":"default","results":{},"run":1},"rows":{"messages":[{"attempts":1,"channels":null,"created_at":"2026-11-22T12:00:06.000000Z","due_at":null,"error":null,"failing_since":null,"id":1,"purpose":"at once","receiver":"default","results":"{}","sent_at":"2026-11-22T12:00:06.000000Z","state":"sent","topic":"update failed"}]}}','263e107b951d4872d730562dba65afa8878a8afd9459528f9fa612a40e5d0c06','ad7ef9211551c9e35718b1834b207248e0e86e89a917532e0b9ddecb7e9d222b');
INSERT INTO "trail" VALUES(9,'2026-11-22 12:00:06.000000','news.came',1,1,'{"facts":{"topic":"as before"},"rows":{"notifications":[{"attempts":1,"channels":"[\"slack\"]","content":"{\"image\": \"app\"}","due_at":"2026-11-22T12:00:06.000000Z","error":"teams: HTTP 500","rollout":1,"run":1,"sent_at":"2026-11-22T12:00:06.000000Z","state":"sent"}]}}','5956035a3d17d98d476b1221727aa2eaecdbfd036e1ef887acf7965ba7e6414c','ec5628d0be0b9e47c5a7f6f9f2fff0ff111e43e3082a5305bd15105d8418c4ed');
INSERT INTO "trail" VALUES(10,'2026-11-22 12:00:07.000000','rollout.retried',1,1,'{"facts":{"breaks":[],"image":"registry.example.com/test/app:1","name":"ann","place":"command line","targets":["container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","breaks":"[]","closed_at":null,"id":1,"key":"container/solo/web","push":1}],"retries":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","id":1,"rollout":1}],"rollouts":[{"approval_of":null,"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"run again by hand, by ann","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"waiting","waiting_since":null,"waits":"[]"}]}}','7add42ae7f70cc621af808c327255324354fd882925ee3b32fccc11a0966097d','c4c28cdc3ebde9e337cd9ab74f36234dae16ca68927af99862c660d704a0cbe6');
INSERT INTO "trail" VALUES(11,'2026-11-22 12:00:07.000000','silence.began',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":null,"ended_by":null,"id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','3c929fe4c3fd02b85f7cdb5b27fc0df6d70db97bdd12fdb8404ba1700fb0909d','9ef163aaa4472d81fbedcf09bbb5e6ef36d2bea4c23792241482dc91debfa729');
INSERT INTO "trail" VALUES(12,'2026-11-22 12:00:07.000000','silence.ended',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:07.000000Z","ended_by":"ann","id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','30e93dd158aa4ea01cd4ad2ff4ca7e8984af4481085d5fb3b6548a56628b0b20','0127278d011b3e73e0680ff7bdaddab797d68f84d17c12edcff0fc4a4a1fc1e0');
INSERT INTO "trail" VALUES(13,'2026-11-22 12:00:07.000000','freeze.began',NULL,NULL,'{"facts":{"freeze":1,"name":"ann","place":"command line"},"rows":{"freezes":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":null,"ended_by":null,"id":1,"of":"","reason":"it moves","scope":"everything","until":"2026-11-22T14:13:20.000000Z"}]}}','401073ccac97d60d57ebdb3485c078e4d0875cbfdc1daed4fc50cea9defe6492','12c45687b5b690bab934c77b74fade62066a2b8c3316065115c182a6b860e5db');
INSERT INTO "trail" VALUES(14,'2026-11-22 12:00:07.000000','freeze.ended',NULL,NULL,'{"facts":{"freeze":1,"name":"ann","place":"command line"},"rows":{"freezes":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:07.000000Z","ended_by":"ann","id":1,"of":"","reason":"it moves","scope":"everything","until":"2026-11-22T14:13:20.000000Z"}]}}','66a83bc981b26c2af67cb4927567ad5676532f6406a88db3faf2286df9fd0838','5029ef733ea560a5d9b851b9d7858fadb94a3bc664b02be6f0a71a6bfae8ddac');
INSERT INTO "trail" VALUES(15,'2026-11-22 12:00:07.000000','rollout.refused',1,1,'{"facts":{"image":"registry.example.com/test/app:1","name":"ann","place":"command line","reason":"not today","targets":["container/solo/web"]},"rows":{"decisions":[{"at":"2026-11-22T12:00:07.000000Z","id":1,"is_approval":false,"person":"ann","push":1,"reason":"not today","target_keys":"[\"container/solo/web\"]"}]}}','042569614af0a1118d6f8c096feef8103313a23f993cee03acbd3e639ade437a','526ff27e5a4698f5ea4b0a0f19425d49517c21abb95e82cbbf5fcd19637fc51f');
INSERT INTO "trail" VALUES(16,'2026-11-22 12:00:08.000000','event.received',2,NULL,'{"facts":{"from":"192.0.2.1","is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":2,"key":"claimed","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"2"}]}}','3023b74e56967f20fbe2da1de8e4dc60264f3595066554b24c7d87230ea8199a','3ad37acb1094ff0ca0d0bf8f1de558300f91ef53e11cfdbb6702335e90bfd1d2');
INSERT INTO "trail" VALUES(17,'2026-11-22 12:00:08.000000','event.received',3,NULL,'{"facts":{"from":"192.0.2.1","is_claim":false},"rows":{"events":[{"actor":null,"content":{"length":619,"sha256":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da"},"digest":null,"id":3,"key":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da","kind":"unreadable","occurred_at":null,"reason":"no digest","received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":null,"tag":null}]}}','56d3114536c8922a87b1b68702a40d91f10cca45c01a6436a24aa7afe1d894a6','c579cec1a364ff50bfa2e469bdfabae8fe8a713d6afd43a46dcdd3a2d272799c');
INSERT INTO "trail" VALUES(18,'2026-11-22 12:00:08.000000','event.received',4,NULL,'{"facts":{"from":null,"is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":4,"key":"other","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"3"}]}}','b0dedf5f4a360c5004cd532a29b6b7ab3be2818718108822203865a7d7c3d1a7','038c8668f9a4f35fe42f4bb264282c9081de6730d585fd68a3cfa33d7ee7ca7c');
INSERT INTO "trail" VALUES(19,'2026-11-22 12:00:08.000000','event.ignored',NULL,NULL,'{"facts":{"reason":"a pull","registry":"production"}}','a904467831ad572ecf398eccd75fd592580721185f92ce7419308c5984995113','d73c68bae2a9c7f595562e5ea3815b5569f6f7c46286a5f68f189012e8803b1c');
INSERT INTO "trail" VALUES(20,'2026-11-22 12:00:09.000000','event.received',5,NULL,'{"facts":{"from":"command line","is_claim":false},"rows":{"events":[{"actor":"ann (by hand)","content":null,"digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","id":5,"key":"by hand","kind":"push","occurred_at":"2026-11-22T12:00:09.000000Z","reason":null,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","repository":"test/app","tag":"4"}],"newest":[{"change":2,"found_at":null,"occurred_at":"2026-11-22T12:00:09.000000Z","push":5,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","registry_digest":null,"repository":"test/app","tag":"4"}]}}','aa799cdeedc7085f659b93870f70e9ecc4a3fa7cc055166f6f6b8354cc9306bc','b4d999970f9ca3a2adfa7526d4d8f394f1cf8fdad08ef502d634e1d5cdd8800e');
INSERT INTO "trail" VALUES(21,'2026-11-22 12:00:09.000000','push.insisted',5,NULL,'{"facts":{"breaks":[],"name":"ann","place":"command line","targets":["container/solo/db","container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","breaks":"[]","closed_at":null,"id":2,"key":"container/solo/db","push":5},{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","breaks":"[]","closed_at":null,"id":3,"key":"container/solo/web","push":5}]}}','6b15e01f2c8f7b6719eea2a498e5311d241ae08d8b729fee8bca8dd7c2b44267','f11d0eb23b7a08240514ab42ccfb7f6767fa4522a5168c9615a2f24fec1c62a8');
CREATE INDEX ix_messages_state ON messages (state);
CREATE INDEX ix_trail_rollout ON trail (rollout) WHERE rollout IS NOT NULL;
CREATE INDEX ix_trail_event ON trail (event);
CREATE INDEX ix_newest_change ON newest (change);
CREATE INDEX ix_newest_push ON newest (push);
CREATE INDEX ix_claims_event ON claims (event);
CREATE INDEX ix_rollouts_state ON rollouts (state);
CREATE INDEX ix_last_attempts_push ON last_attempts (push);
CREATE INDEX ix_last_attempts_unheard ON last_attempts (push) WHERE is_unheard;
CREATE INDEX ix_decisions_push ON decisions (push);
CREATE INDEX ix_outcomes_key ON outcomes ("key");
CREATE INDEX ix_notifications_state ON notifications (state);
CREATE INDEX ix_news_subject ON news (topic, subject) WHERE subject IS NOT NULL;
CREATE INDEX ix_news_rollout ON news (rollout);
CREATE INDEX ix_news_unrouted ON news (id) WHERE is_routed IS NOT 1;
CREATE INDEX ix_message_items_news ON message_items (news);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('trail',21);
COMMIT;
