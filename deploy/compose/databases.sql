-- One database and one user for each service; run once, when the server's data are new.
CREATE DATABASE plaza_auth CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER 'plaza_auth'@'%' IDENTIFIED BY 'plaza_auth';
GRANT ALL ON plaza_auth.* TO 'plaza_auth'@'%';
CREATE DATABASE plaza_forum CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;
CREATE USER 'plaza_forum'@'%' IDENTIFIED BY 'plaza_forum';
GRANT ALL ON plaza_forum.* TO 'plaza_forum'@'%';
