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
INSERT INTO "migrations" VALUES('0003 the stages of rollouts');
INSERT INTO "migrations" VALUES('0004 what is ignored');
INSERT INTO "migrations" VALUES('0005 what is to be asked of registries');
INSERT INTO "migrations" VALUES('0006 the trail');
INSERT INTO "migrations" VALUES('0007 what people look for');
INSERT INTO "migrations" VALUES('0008 silences');
INSERT INTO "migrations" VALUES('0009 what was answered');
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
INSERT INTO "notifications" VALUES(1,1,'{"id": 1, "image": "registry.example.com/test/app:1", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "actor": "alice", "registry": "production", "pushed_at": "2026-11-22T12:00:01.000Z", "attempt": 1, "started_at": "2026-11-22T12:00:03.000Z", "finished_at": "2026-11-22T12:00:05.000Z", "outcomes": [{"kind": "container", "name": "web", "where": "host solo", "outcome": "rolled_back", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "message": "because"}, {"kind": "container", "name": "web", "where": "host solo", "outcome": "failed", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": null, "message": "because"}]}','sent',1,'2026-11-22 12:00:05.000000','null',NULL,NULL);
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
	PRIMARY KEY (rollout, "key"), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "outcomes" VALUES(1,'container/solo/web',1,'2026-11-22 12:00:05.000000','container','web','host solo','rolled_back','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','because',0,'{}');
INSERT INTO "outcomes" VALUES(1,'service/x',1,'2026-11-22 12:00:05.000000','container','web','host solo','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'because',0,'{}');
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
INSERT INTO "overrides" VALUES(1,1,'container/solo/web','2026-11-22 12:00:07.000000','ann',NULL);
INSERT INTO "overrides" VALUES(2,5,'container/solo/db','2026-11-22 12:00:09.000000','ann',NULL);
INSERT INTO "overrides" VALUES(3,5,'container/solo/web','2026-11-22 12:00:09.000000','ann',NULL);
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
	PRIMARY KEY (id), 
	UNIQUE (push), 
	FOREIGN KEY(push) REFERENCES events (id)
);
INSERT INTO "rollouts" VALUES(1,1,'registry.example.com/test/app:1','waiting',1,0,'2026-11-22 12:00:03.000000','2026-11-22 12:00:03.000000','2026-11-22 12:00:05.000000','2026-11-22 12:00:07.000000','run again by hand, by ann',0);
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
	PRIMARY KEY ("key")
);
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
INSERT INTO "targets" VALUES('service/id-of-api','service','id-of-api','api','swarm of m1','["m1", "m2", "m3"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
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
INSERT INTO "trail" VALUES(1,'2026-11-22 12:00:00.000000','trail.began',NULL,NULL,'{"facts":{"trail":"fb9755fc12f74e71b7a64793ce52003a"}}','15095b7c7aadb7e4bb4929dbf5db783f8ed2a49f890d7c43ba164ac3a6a7ddbd','d780935563cb9f3148694d3df8675aca502c8ce80483775195c60044d5676556');
INSERT INTO "trail" VALUES(2,'2026-11-22 12:00:01.000000','event.received',1,NULL,'{"facts":{"from":null,"is_claim":false},"rows":{"events":[{"actor":"alice","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":1,"key":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1","kind":"push","occurred_at":"2026-11-22T12:00:00.000000Z","reason":null,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","repository":"test/app","tag":"1"}],"newest":[{"change":1,"found_at":null,"occurred_at":"2026-11-22T12:00:00.000000Z","push":1,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","registry_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","repository":"test/app","tag":"1"}]}}','b62ea7ff7a834d139339551e17073246e6803fad6faaca1f1bae133e517e6d39','cae664dfdd69dc2c373f4f8bbe88d44d68e582faa96c95cbd941f22696e7e77c');
INSERT INTO "trail" VALUES(3,'2026-11-22 12:00:02.000000','pushes.matched',1,NULL,'{"facts":{"targets":[{"target":"container/solo/web","verdict":"due"}],"up_to":1}}','1ad00d7aad84cffb6744f7bf45a3dbec41bcecf2994bfd6e2643d9171f05a6ba','08c9c4479bfd8164e20a4c004ddab212bb0ee1ce2bbf8157542478e16fd7483e');
INSERT INTO "trail" VALUES(4,'2026-11-22 12:00:03.000000','run.began',1,1,'{"facts":{"asked":{},"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","engines":{},"hosts":["solo"],"image":"registry.example.com/test/app:1","overridden":[],"run":1,"targets":["container/solo/web"]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:03.000000Z","key":"container/solo/web","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":0,"started_at":null,"state":"waiting"},{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','e0a55cf0a859d23d880ab0717e781801a8503382d7f9bd3c949bf29c02133e30','73fd45ffd81bdb1397b7ec3eb363da213f7856658bef07eac212e39c47f5978a');
INSERT INTO "trail" VALUES(5,'2026-11-22 12:00:04.000000','target.ended',1,1,'{"facts":{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"registry.example.com/test/app:1","outcome":"rolled_back","run":1,"target":"container/solo/web"},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:04.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:04.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','395d915aba70522df6ca90ea4fc7bbe93805000ab4c1cc75b47cda8dcca80d85','2db0683286dea47899842193685c78c1a6d7d0bf5a0c28e414c076cbec59bcd5');
INSERT INTO "trail" VALUES(6,'2026-11-22 12:00:05.000000','run.ended',1,1,'{"facts":{"image":"registry.example.com/test/app:1","run":1,"targets":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"rolled_back","target":"container/solo/web"},{"after":null,"before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"failed","target":"service/x"}]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:05.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1},{"at":"2026-11-22T12:00:05.000000Z","key":"service/x","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"notifications":[{"attempts":0,"channels":null,"content":{"length":984,"sha256":"5bca38a9eb2dc1906128692f699a48dad1c41c6453587edaa8a094609a07f4bc"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"due"}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"},{"after":null,"at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"service/x","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"failed","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"because","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"finished"}]}}','2527a39749f0417e7aa1c6d89827658e308c68d6451948e644e6bf580c18fb8e','8e261a4fbe638c6081bf873bd32546e902d7bcdff9d4e4b73fa5f7e5c020af01');
INSERT INTO "trail" VALUES(7,'2026-11-22 12:00:06.000000','team.told',1,1,'{"facts":{"channels":null,"error":null,"run":1},"rows":{"notifications":[{"attempts":1,"channels":null,"content":{"length":984,"sha256":"5bca38a9eb2dc1906128692f699a48dad1c41c6453587edaa8a094609a07f4bc"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"sent"}]}}','1819fced3437b8f9304bc5b3f41d6cee58d451f2737f7bf7aa0b7cfc96654147','f85e98f8ee65339578fd753d841d3fb38fea3615d5ce3594ef2df5482e8ac900');
INSERT INTO "trail" VALUES(8,'2026-11-22 12:00:07.000000','rollout.retried',1,1,'{"facts":{"image":"registry.example.com/test/app:1","name":"ann","place":"command line","targets":["container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","closed_at":null,"id":1,"key":"container/solo/web","push":1}],"retries":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","id":1,"rollout":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"run again by hand, by ann","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"waiting"}]}}','da81815b70a225d815f51d6fe3c7b398abf26c3b18e1416dce4539478e3037e4','0076a032bb3503a4db49c9180c3df3028a7ac5a87245f0648794d75aa58d3a2f');
INSERT INTO "trail" VALUES(9,'2026-11-22 12:00:07.000000','silence.began',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":null,"ended_by":null,"id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','3c929fe4c3fd02b85f7cdb5b27fc0df6d70db97bdd12fdb8404ba1700fb0909d','9be68c39bf911f3f370e2a0195d09538886526194a59bf8b4dd8bd914bce15ba');
INSERT INTO "trail" VALUES(10,'2026-11-22 12:00:07.000000','silence.ended',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:07.000000Z","ended_by":"ann","id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','30e93dd158aa4ea01cd4ad2ff4ca7e8984af4481085d5fb3b6548a56628b0b20','e3e7840ffb8265ea0fc92e7ca7243250f34d65e01cf153b61c4e7914f3a88280');
INSERT INTO "trail" VALUES(11,'2026-11-22 12:00:08.000000','event.received',2,NULL,'{"facts":{"from":"192.0.2.1","is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":2,"key":"claimed","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"2"}]}}','3023b74e56967f20fbe2da1de8e4dc60264f3595066554b24c7d87230ea8199a','1f9dbcadc714d0dd6e73c496787d4f748f141b830ef29f176ee7d4e28533d02c');
INSERT INTO "trail" VALUES(12,'2026-11-22 12:00:08.000000','event.received',3,NULL,'{"facts":{"from":"192.0.2.1","is_claim":false},"rows":{"events":[{"actor":null,"content":{"length":619,"sha256":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da"},"digest":null,"id":3,"key":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da","kind":"unreadable","occurred_at":null,"reason":"no digest","received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":null,"tag":null}]}}','56d3114536c8922a87b1b68702a40d91f10cca45c01a6436a24aa7afe1d894a6','577bf71c149d4b3e1704b344ee618d39e526b4452725069207f5a74ddeec6a0b');
INSERT INTO "trail" VALUES(13,'2026-11-22 12:00:08.000000','event.received',4,NULL,'{"facts":{"from":null,"is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":4,"key":"other","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"3"}]}}','b0dedf5f4a360c5004cd532a29b6b7ab3be2818718108822203865a7d7c3d1a7','8dc7eff7d8cfe8eff5e1baf4731c878dac890c1283e22775072637407743ab51');
INSERT INTO "trail" VALUES(14,'2026-11-22 12:00:08.000000','event.ignored',NULL,NULL,'{"facts":{"reason":"a pull","registry":"production"}}','a904467831ad572ecf398eccd75fd592580721185f92ce7419308c5984995113','9e71dec8d735a94f0865f8ac17c4a5202443fc0a1bed275c837b475ba11f03ad');
INSERT INTO "trail" VALUES(15,'2026-11-22 12:00:09.000000','event.received',5,NULL,'{"facts":{"from":"command line","is_claim":false},"rows":{"events":[{"actor":"ann (by hand)","content":null,"digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","id":5,"key":"by hand","kind":"push","occurred_at":"2026-11-22T12:00:09.000000Z","reason":null,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","repository":"test/app","tag":"4"}],"newest":[{"change":2,"found_at":null,"occurred_at":"2026-11-22T12:00:09.000000Z","push":5,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","registry_digest":null,"repository":"test/app","tag":"4"}]}}','aa799cdeedc7085f659b93870f70e9ecc4a3fa7cc055166f6f6b8354cc9306bc','3db4ad774ab3c752d94fadd5a4aae34d7ad1252537a88d6080ca09ec6b413a3d');
INSERT INTO "trail" VALUES(16,'2026-11-22 12:00:09.000000','push.insisted',5,NULL,'{"facts":{"name":"ann","place":"command line","targets":["container/solo/db","container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":2,"key":"container/solo/db","push":5},{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":3,"key":"container/solo/web","push":5}]}}','95f4f74cfc542182f4ecb761d827a363de216b53a98edb53a53bc9c02dd2e49d','7457c8380bf90fe4774b7807d291d016a60d0049fa0d6f88ea4a0814efadd5ab');
CREATE INDEX ix_trail_rollout ON trail (rollout) WHERE rollout IS NOT NULL;
CREATE INDEX ix_trail_event ON trail (event);
CREATE INDEX ix_newest_push ON newest (push);
CREATE INDEX ix_newest_change ON newest (change);
CREATE INDEX ix_claims_event ON claims (event);
CREATE INDEX ix_rollouts_state ON rollouts (state);
CREATE INDEX ix_outcomes_key ON outcomes ("key");
CREATE INDEX ix_notifications_state ON notifications (state);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('trail',16);
COMMIT;
