BEGIN TRANSACTION;
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
INSERT INTO "hosts" VALUES('solo','2026-11-22 12:00:00.000000',NULL,NULL,NULL,0,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0);
INSERT INTO "hosts" VALUES('m1','2026-11-22 12:00:00.000000',NULL,NULL,'alpha',1,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0);
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
INSERT INTO "targets" VALUES('service/id-of-api','service','id-of-api','api','swarm of m1','["m1", "m2", "m3"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0);
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
INSERT INTO "trail" VALUES(1,'2026-11-22 12:00:00.000000','trail.began',NULL,NULL,'{"facts":{"trail":"11e977bd44b8429bb6e45816bdd49235"}}','91934df69e803c04316ed53c6b88c6fdcd4f7edb1039b37a62902c9c0537b3d9','36b3dfafbe456e15dda9a579db94eddda55e44d0c23fa806fd128ee7201446dc');
INSERT INTO "trail" VALUES(2,'2026-11-22 12:00:01.000000','event.received',1,NULL,'{"facts":{"from":null,"is_claim":false},"rows":{"events":[{"actor":"alice","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":1,"key":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1","kind":"push","occurred_at":"2026-11-22T12:00:00.000000Z","reason":null,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","repository":"test/app","tag":"1"}],"newest":[{"change":1,"found_at":null,"occurred_at":"2026-11-22T12:00:00.000000Z","push":1,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","registry_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","repository":"test/app","tag":"1"}]}}','b62ea7ff7a834d139339551e17073246e6803fad6faaca1f1bae133e517e6d39','849a8042ff0133ea468c0b909d4e8eff67ee4babe2408f009baf512b1389be63');
INSERT INTO "trail" VALUES(3,'2026-11-22 12:00:02.000000','pushes.matched',1,NULL,'{"facts":{"targets":[{"target":"container/solo/web","verdict":"due"}],"up_to":1}}','1ad00d7aad84cffb6744f7bf45a3dbec41bcecf2994bfd6e2643d9171f05a6ba','80cadee55feb00b192a4aed25399f44e9c0a1feedf760c3f1066e1a714cbab2e');
INSERT INTO "trail" VALUES(4,'2026-11-22 12:00:03.000000','run.began',1,1,'{"facts":{"asked":{},"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","engines":{},"hosts":["solo"],"image":"registry.example.com/test/app:1","overridden":[],"run":1,"targets":["container/solo/web"]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:03.000000Z","key":"container/solo/web","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":0,"started_at":null,"state":"waiting"},{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','e0a55cf0a859d23d880ab0717e781801a8503382d7f9bd3c949bf29c02133e30','120c0b7ac65392bfcc9af66a83726ba98d89c21e0a0f701b284e62710ba225d3');
INSERT INTO "trail" VALUES(5,'2026-11-22 12:00:04.000000','target.ended',1,1,'{"facts":{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"registry.example.com/test/app:1","outcome":"rolled_back","run":1,"target":"container/solo/web"},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:04.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:04.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','395d915aba70522df6ca90ea4fc7bbe93805000ab4c1cc75b47cda8dcca80d85','7452b364b281954b3f196567a22c469c746d9849121f044eea303d136534124f');
INSERT INTO "trail" VALUES(6,'2026-11-22 12:00:05.000000','run.ended',1,1,'{"facts":{"image":"registry.example.com/test/app:1","run":1,"targets":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"rolled_back","target":"container/solo/web"},{"after":null,"before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"failed","target":"service/x"}]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:05.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1},{"at":"2026-11-22T12:00:05.000000Z","key":"service/x","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"notifications":[{"attempts":0,"channels":null,"content":{"length":984,"sha256":"5bca38a9eb2dc1906128692f699a48dad1c41c6453587edaa8a094609a07f4bc"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"due"}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"},{"after":null,"at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"service/x","kind":"container","left_alone":false,"message":"because","name":"web","outcome":"failed","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"because","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"finished"}]}}','2527a39749f0417e7aa1c6d89827658e308c68d6451948e644e6bf580c18fb8e','698ea4db1ac34d5dd119835b0d94810e74e16a9fed55afc5e5de97c46974da63');
INSERT INTO "trail" VALUES(7,'2026-11-22 12:00:06.000000','team.told',1,1,'{"facts":{"channels":null,"error":null,"run":1},"rows":{"notifications":[{"attempts":1,"channels":null,"content":{"length":984,"sha256":"5bca38a9eb2dc1906128692f699a48dad1c41c6453587edaa8a094609a07f4bc"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"sent"}]}}','1819fced3437b8f9304bc5b3f41d6cee58d451f2737f7bf7aa0b7cfc96654147','587d58065fc479f385bd118a9c613961dc19785e0c9a05da91e3a252003a8483');
INSERT INTO "trail" VALUES(8,'2026-11-22 12:00:07.000000','rollout.retried',1,1,'{"facts":{"image":"registry.example.com/test/app:1","name":"ann","place":"command line","targets":["container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","closed_at":null,"id":1,"key":"container/solo/web","push":1}],"retries":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","id":1,"rollout":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"run again by hand, by ann","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"waiting"}]}}','da81815b70a225d815f51d6fe3c7b398abf26c3b18e1416dce4539478e3037e4','ae5fe13a78b915c0cc3cd02b2b8d2550e3fb8a70f305dcf600c92ce71b636a39');
INSERT INTO "trail" VALUES(9,'2026-11-22 12:00:07.000000','silence.began',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":null,"ended_by":null,"id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','3c929fe4c3fd02b85f7cdb5b27fc0df6d70db97bdd12fdb8404ba1700fb0909d','5609d194e9ed021f9206bcff7398d6f414d19395f99ebf3d7efa389e190c7a40');
INSERT INTO "trail" VALUES(10,'2026-11-22 12:00:07.000000','silence.ended',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:07.000000Z","ended_by":"ann","id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','30e93dd158aa4ea01cd4ad2ff4ca7e8984af4481085d5fb3b6548a56628b0b20','3bedfe1b194ca7736361b5716d9926cd2f32908dea450890d47009fa00d7f8ac');
INSERT INTO "trail" VALUES(11,'2026-11-22 12:00:08.000000','event.received',2,NULL,'{"facts":{"from":"192.0.2.1","is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":2,"key":"claimed","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"2"}]}}','3023b74e56967f20fbe2da1de8e4dc60264f3595066554b24c7d87230ea8199a','b9a8cf04379a67278033b70d392561d8fd3b167754ff32de885a68babb6e68bd');
INSERT INTO "trail" VALUES(12,'2026-11-22 12:00:08.000000','event.received',3,NULL,'{"facts":{"from":"192.0.2.1","is_claim":false},"rows":{"events":[{"actor":null,"content":{"length":619,"sha256":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da"},"digest":null,"id":3,"key":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da","kind":"unreadable","occurred_at":null,"reason":"no digest","received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":null,"tag":null}]}}','56d3114536c8922a87b1b68702a40d91f10cca45c01a6436a24aa7afe1d894a6','08d3e90192d7b065c7bb3340f1a0f221562c95b373b315b0a15549d6abe6abbf');
INSERT INTO "trail" VALUES(13,'2026-11-22 12:00:08.000000','event.received',4,NULL,'{"facts":{"from":null,"is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":4,"key":"other","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"3"}]}}','b0dedf5f4a360c5004cd532a29b6b7ab3be2818718108822203865a7d7c3d1a7','e434ece8d306bb98ade8bc3915d90429dbbd5f6446e12d05d954118fca990abb');
INSERT INTO "trail" VALUES(14,'2026-11-22 12:00:08.000000','event.ignored',NULL,NULL,'{"facts":{"reason":"a pull","registry":"production"}}','a904467831ad572ecf398eccd75fd592580721185f92ce7419308c5984995113','3e569afa9369332a2a2082684511339424a0f0497700709c5637d66e92271032');
INSERT INTO "trail" VALUES(15,'2026-11-22 12:00:09.000000','event.received',5,NULL,'{"facts":{"from":"command line","is_claim":false},"rows":{"events":[{"actor":"ann (by hand)","content":null,"digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","id":5,"key":"by hand","kind":"push","occurred_at":"2026-11-22T12:00:09.000000Z","reason":null,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","repository":"test/app","tag":"4"}],"newest":[{"change":2,"found_at":null,"occurred_at":"2026-11-22T12:00:09.000000Z","push":5,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","registry_digest":null,"repository":"test/app","tag":"4"}]}}','aa799cdeedc7085f659b93870f70e9ecc4a3fa7cc055166f6f6b8354cc9306bc','6cf5fe443114e64ff704add8856175490d02b3d1549a135d50ccb009caba7ee1');
INSERT INTO "trail" VALUES(16,'2026-11-22 12:00:09.000000','push.insisted',5,NULL,'{"facts":{"name":"ann","place":"command line","targets":["container/solo/db","container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":2,"key":"container/solo/db","push":5},{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":3,"key":"container/solo/web","push":5}]}}','95f4f74cfc542182f4ecb761d827a363de216b53a98edb53a53bc9c02dd2e49d','42b170277b88401bf54952dd4f6127d288891a34ab4cc7084d73e1bb28a6d548');
CREATE INDEX ix_trail_event ON trail (event);
CREATE INDEX ix_trail_rollout ON trail (rollout) WHERE rollout IS NOT NULL;
CREATE INDEX ix_newest_push ON newest (push);
CREATE INDEX ix_newest_change ON newest (change);
CREATE INDEX ix_claims_event ON claims (event);
CREATE INDEX ix_rollouts_state ON rollouts (state);
CREATE INDEX ix_outcomes_key ON outcomes ("key");
CREATE INDEX ix_notifications_state ON notifications (state);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('trail',16);
COMMIT;
