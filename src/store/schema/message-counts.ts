/** How many messages a room has, kept as they come and go, so that no page of a room counts them. */
export const messageCountsSchema = `
  ALTER TABLE rooms ADD COLUMN messages INTEGER NOT NULL DEFAULT 0;
  UPDATE rooms SET messages = (SELECT count(*) FROM messages WHERE roomId = rooms.id);
  CREATE TRIGGER messagesComeIn AFTER INSERT ON messages
    BEGIN UPDATE rooms SET messages = messages + 1 WHERE id = NEW.roomId; END;
  CREATE TRIGGER messagesLeave AFTER DELETE ON messages
    BEGIN UPDATE rooms SET messages = messages - 1 WHERE id = OLD.roomId; END;
`
