pub struct StateFolder;
