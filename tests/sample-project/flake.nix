{
  description = "A project of the shape of Lix, without nixpkgs";

  outputs =
    { self }:
    let
      versionJson = builtins.fromJSON (builtins.readFile ./version.json);
      inherit (versionJson) version;

      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      forAllSystems =
        f: builtins.listToAttrs (map (name: { inherit name; value = f name; }) systems);

      dockerImages = builtins.mapAttrs (system: built: built.dockerImage) package;
      package = forAllSystems (system: import ./package.nix { inherit system versionJson; });
    in
    {
      packages = forAllSystems (system: { default = package.${system}.build; });

      hydraJobs = {
        build = forAllSystems (system: package.${system}.build);
        binaryTarball = forAllSystems (system: package.${system}.binaryTarball);
        dockerImage = { inherit (dockerImages) x86_64-linux aarch64-linux; };
      };

      release-jobs = import ./release-jobs.nix {
        inherit version;
        inherit (self) hydraJobs;
        # Fixed, since a pure evaluation does not know the machine it runs on. Another
        # machine names it in extra-platforms: the builders are shell scripts.
        system = "x86_64-linux";
        profiles = {
          all = [ "x86_64-linux" "aarch64-linux" ];
          x86_64-linux-only = [ "x86_64-linux" ];
          everything = systems;
        };
      };
    };
}
