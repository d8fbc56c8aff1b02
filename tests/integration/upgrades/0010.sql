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
	groups JSON DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "hosts" VALUES('solo','2026-11-22 12:00:00.000000',NULL,NULL,NULL,0,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0,'[]');
INSERT INTO "hosts" VALUES('m1','2026-11-22 12:00:00.000000',NULL,NULL,'alpha',1,'[]',NULL,NULL,'[]',NULL,NULL,'[]',0,'[]');
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
INSERT INTO "migrations" VALUES('0010 the logs of what failed');
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
INSERT INTO "notifications" VALUES(1,1,'{"id": 1, "image": "registry.example.com/test/app:1", "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb", "actor": "alice", "registry": "production", "pushed_at": "2026-11-22T12:00:01.000Z", "attempt": 1, "started_at": "2026-11-22T12:00:03.000Z", "finished_at": "2026-11-22T12:00:05.000Z", "outcomes": [{"kind": "container", "name": "web", "where": "host solo", "outcome": "rolled_back", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "message": "because", "log": []}, {"kind": "container", "name": "web", "where": "host solo", "outcome": "failed", "before": {"image": "registry.example.com/test/app:1", "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"}, "after": null, "message": "because", "log": []}]}','sent',1,'2026-11-22 12:00:05.000000','null',NULL,NULL);
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
	log JSON DEFAULT '[]' NOT NULL, 
	PRIMARY KEY (rollout, "key"), 
	FOREIGN KEY(rollout) REFERENCES rollouts (id)
);
INSERT INTO "outcomes" VALUES(1,'container/solo/web',1,'2026-11-22 12:00:05.000000','container','web','host solo','rolled_back','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa','because',0,'{}','[]');
INSERT INTO "outcomes" VALUES(1,'service/x',1,'2026-11-22 12:00:05.000000','container','web','host solo','failed','sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',NULL,'because',0,'{}','[]');
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
	notify JSON DEFAULT '[]' NOT NULL, 
	PRIMARY KEY ("key")
);
INSERT INTO "targets" VALUES('service/id-of-api','service','id-of-api','api','swarm of m1','["m1", "m2", "m3"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0,'[]');
INSERT INTO "targets" VALUES('container/solo/web','container','id-of-web','web','host solo','["solo"]','registry.example.com/test/app:1','registry.example.com/test/app:1','["sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]','2026-11-22 12:00:00.000000',NULL,0,'[]');
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
INSERT INTO "trail" VALUES(1,'2026-11-22 12:00:00.000000','trail.began',NULL,NULL,'{"facts":{"trail":"6d538b88860244fb8d2a0c271bf48c3f"}}','d39f972166e7d1fe9ced0a2e87e43c49dcf1e71873dc05fd051ab74e465fe527','11f225cdb96ededf06af5ed30c82a524879186e91e3fbafb80cacca8d02fbbe1');
INSERT INTO "trail" VALUES(2,'2026-11-22 12:00:01.000000','event.received',1,NULL,'{"facts":{"from":null,"is_claim":false},"rows":{"events":[{"actor":"alice","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":1,"key":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb 2026-11-22 12:00:00+00:00 1","kind":"push","occurred_at":"2026-11-22T12:00:00.000000Z","reason":null,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","repository":"test/app","tag":"1"}],"newest":[{"change":1,"found_at":null,"occurred_at":"2026-11-22T12:00:00.000000Z","push":1,"received_at":"2026-11-22T12:00:01.000000Z","registry":"production","registry_digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","repository":"test/app","tag":"1"}]}}','b62ea7ff7a834d139339551e17073246e6803fad6faaca1f1bae133e517e6d39','30d4ddfe9f63dbd44bd9a202d45763e5dd2aea4c9b1f461adbe1ee833e9ab32f');
INSERT INTO "trail" VALUES(3,'2026-11-22 12:00:02.000000','pushes.matched',1,NULL,'{"facts":{"targets":[{"target":"container/solo/web","verdict":"due"}],"up_to":1}}','1ad00d7aad84cffb6744f7bf45a3dbec41bcecf2994bfd6e2643d9171f05a6ba','4577b5e86fda1421f1a1053128d882099b1a3e58aa20fa9d79738911d640e8b4');
INSERT INTO "trail" VALUES(4,'2026-11-22 12:00:03.000000','run.began',1,1,'{"facts":{"asked":{},"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","engines":{},"hosts":["solo"],"image":"registry.example.com/test/app:1","overridden":[],"run":1,"targets":["container/solo/web"]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:03.000000Z","key":"container/solo/web","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":0,"started_at":null,"state":"waiting"},{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','e0a55cf0a859d23d880ab0717e781801a8503382d7f9bd3c949bf29c02133e30','3c434e5564f68ed1595e4497d133198d57d5218d4af8db7a999bf8d6cafa10f7');
INSERT INTO "trail" VALUES(5,'2026-11-22 12:00:04.000000','target.ended',1,1,'{"facts":{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","image":"registry.example.com/test/app:1","outcome":"rolled_back","run":1,"target":"container/solo/web"},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:04.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:04.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":null,"id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":null,"push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"running"}]}}','dfb21d610c5ff1adde0b8ffd87e1ee74219e276875a12e9cfdb98907ccc4b5a5','78720d3ab0a852028d689687635bb1ae379bca4ba3e6fbe1a2975533da0407a0');
INSERT INTO "trail" VALUES(6,'2026-11-22 12:00:05.000000','run.ended',1,1,'{"facts":{"image":"registry.example.com/test/app:1","run":1,"targets":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"rolled_back","target":"container/solo/web"},{"after":null,"before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","outcome":"failed","target":"service/x"}]},"rows":{"last_attempts":[{"at":"2026-11-22T12:00:05.000000Z","key":"container/solo/web","left_alone":false,"outcome":"rolled_back","possible_digests":"[\"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]","push":1},{"at":"2026-11-22T12:00:05.000000Z","key":"service/x","left_alone":false,"outcome":"failed","possible_digests":"[\"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\"]","push":1}],"notifications":[{"attempts":0,"channels":null,"content":{"length":1006,"sha256":"5de71a265d23d23fe01c9c182de76c1f8735d45fd8f8111bf9bead25abf8ced2"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"due"}],"outcomes":[{"after":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"container/solo/web","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"rolled_back","place":"host solo","rollout":1,"run":1,"stages":"{}"},{"after":null,"at":"2026-11-22T12:00:05.000000Z","before":"sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","key":"service/x","kind":"container","left_alone":false,"log":"[]","message":"because","name":"web","outcome":"failed","place":"host solo","rollout":1,"run":1,"stages":"{}"}],"refusals":[{"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","key":"container/solo/web"}],"rollouts":[{"attempts":1,"created_at":"2026-11-22T12:00:03.000000Z","due_at":null,"ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"because","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"finished"}]}}','d704de0a5f2926553050e996c58ce9af51d9a9d88e90ebc0639cdbec4981bab5','8150e34aaf2b5ccd9cfbaf40a3dce0f432114357305ea5606a7649f7cadf6fb8');
INSERT INTO "trail" VALUES(7,'2026-11-22 12:00:06.000000','team.told',1,1,'{"facts":{"channels":null,"error":null,"run":1},"rows":{"notifications":[{"attempts":1,"channels":null,"content":{"length":1006,"sha256":"5de71a265d23d23fe01c9c182de76c1f8735d45fd8f8111bf9bead25abf8ced2"},"due_at":"2026-11-22T12:00:05.000000Z","error":null,"rollout":1,"run":1,"sent_at":null,"state":"sent"}]}}','697d4892feb724833963ccaf6207a343ed7f5d5378fd73a2897281a529ab8819','deeeec3443d2a307690f7238d7629cadd736f4aeee068146bfbe275c59b21999');
INSERT INTO "trail" VALUES(8,'2026-11-22 12:00:07.000000','rollout.retried',1,1,'{"facts":{"image":"registry.example.com/test/app:1","name":"ann","place":"command line","targets":["container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","closed_at":null,"id":1,"key":"container/solo/web","push":1}],"retries":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","id":1,"rollout":1}],"rollouts":[{"attempts":0,"created_at":"2026-11-22T12:00:03.000000Z","due_at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:05.000000Z","id":1,"image":"registry.example.com/test/app:1","is_stopped":false,"note":"run again by hand, by ann","push":1,"runs":1,"started_at":"2026-11-22T12:00:03.000000Z","state":"waiting"}]}}','da81815b70a225d815f51d6fe3c7b398abf26c3b18e1416dce4539478e3037e4','58d07bdb9685ed03593c232c544a334061da498d1804e5f32a8d725d48c2d4f9');
INSERT INTO "trail" VALUES(9,'2026-11-22 12:00:07.000000','silence.began',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":null,"ended_by":null,"id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','3c929fe4c3fd02b85f7cdb5b27fc0df6d70db97bdd12fdb8404ba1700fb0909d','f9857a0c6f36e784ec6645d33ad62f0ccccfefc7aea491824e5ba9e11a302e92');
INSERT INTO "trail" VALUES(10,'2026-11-22 12:00:07.000000','silence.ended',NULL,NULL,'{"facts":{"name":"ann","place":"command line","silence":1},"rows":{"silences":[{"actor":"ann","at":"2026-11-22T12:00:07.000000Z","ended_at":"2026-11-22T12:00:07.000000Z","ended_by":"ann","id":1,"of":"solo","reason":"it moves","subject":"host","until":"2026-11-22T14:30:00.000000Z"}]}}','30e93dd158aa4ea01cd4ad2ff4ca7e8984af4481085d5fb3b6548a56628b0b20','391954e94a9296cb825f7a4f628590a3b7744c9e8d544605a5f289fa830b4137');
INSERT INTO "trail" VALUES(11,'2026-11-22 12:00:08.000000','event.received',2,NULL,'{"facts":{"from":"192.0.2.1","is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":2,"key":"claimed","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"2"}]}}','3023b74e56967f20fbe2da1de8e4dc60264f3595066554b24c7d87230ea8199a','0c0aa662dfb423b0dd279420b5b60930a6f898f723f6f79a45adf32521ad23aa');
INSERT INTO "trail" VALUES(12,'2026-11-22 12:00:08.000000','event.received',3,NULL,'{"facts":{"from":"192.0.2.1","is_claim":false},"rows":{"events":[{"actor":null,"content":{"length":619,"sha256":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da"},"digest":null,"id":3,"key":"82a0651a04ebe7e51b0e538dac7ed2bedde938418a0fe77052d3554c934e30da","kind":"unreadable","occurred_at":null,"reason":"no digest","received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":null,"tag":null}]}}','56d3114536c8922a87b1b68702a40d91f10cca45c01a6436a24aa7afe1d894a6','f67de52689e4a07ecb08949fd45e0b4f505e12d1662e81b3c763edec79c4e89e');
INSERT INTO "trail" VALUES(13,'2026-11-22 12:00:08.000000','event.received',4,NULL,'{"facts":{"from":null,"is_claim":true},"rows":{"events":[{"actor":"bob","content":null,"digest":"sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb","id":4,"key":"other","kind":"push","occurred_at":"2026-11-22T12:00:08.000000Z","reason":null,"received_at":"2026-11-22T12:00:08.000000Z","registry":"production","repository":"test/app","tag":"3"}]}}','b0dedf5f4a360c5004cd532a29b6b7ab3be2818718108822203865a7d7c3d1a7','208a29146a98aad186d757c9d9d69abad4d2380c6c49b3fb99951dc2cc25ea0d');
INSERT INTO "trail" VALUES(14,'2026-11-22 12:00:08.000000','event.ignored',NULL,NULL,'{"facts":{"reason":"a pull","registry":"production"}}','a904467831ad572ecf398eccd75fd592580721185f92ce7419308c5984995113','c802ca29dacc558e97cb764706b97a06c5b2121eaa75caf4037152265015e6e3');
INSERT INTO "trail" VALUES(15,'2026-11-22 12:00:09.000000','event.received',5,NULL,'{"facts":{"from":"command line","is_claim":false},"rows":{"events":[{"actor":"ann (by hand)","content":null,"digest":"sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc","id":5,"key":"by hand","kind":"push","occurred_at":"2026-11-22T12:00:09.000000Z","reason":null,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","repository":"test/app","tag":"4"}],"newest":[{"change":2,"found_at":null,"occurred_at":"2026-11-22T12:00:09.000000Z","push":5,"received_at":"2026-11-22T12:00:09.000000Z","registry":"production","registry_digest":null,"repository":"test/app","tag":"4"}]}}','aa799cdeedc7085f659b93870f70e9ecc4a3fa7cc055166f6f6b8354cc9306bc','5ee98f954c6ed4b79665bfcec8c825b849b86026a1cb7bd0f4965137eb401dfd');
INSERT INTO "trail" VALUES(16,'2026-11-22 12:00:09.000000','push.insisted',5,NULL,'{"facts":{"name":"ann","place":"command line","targets":["container/solo/db","container/solo/web"]},"rows":{"overrides":[{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":2,"key":"container/solo/db","push":5},{"actor":"ann","at":"2026-11-22T12:00:09.000000Z","closed_at":null,"id":3,"key":"container/solo/web","push":5}]}}','95f4f74cfc542182f4ecb761d827a363de216b53a98edb53a53bc9c02dd2e49d','971512a2af2bb2a6abf598be461e9bb93d690b552198293f4c27fd20a60d6839');
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
